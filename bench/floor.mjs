// The floor: the least that a gateway can do in Node. HTTP in, one line of JSON to a child, the id put
// back, HTTP out. No validation, no session, no limit, no time-out, no policy, no restart.
//
//   node floor.mjs --config FILE --port N [--splice]
//   node floor.mjs --config FILE --stdio             lines in and out in place of HTTP
//
// --splice: an answer of more than 2 KiB is not parsed, its id is replaced in the bytes; and the merged
// tools/list is kept as bytes.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';

const argv = process.argv.slice(2);
const option = (name) => argv[argv.indexOf(`--${name}`) + 1];
const isSplicing = argv.includes('--splice');
const isStdio = argv.includes('--stdio');
const SPLICED_FROM_BYTES = 2048;
const HEAD = /^\{"jsonrpc":"2\.0","id":(\d+),/;

/**
 * An upstream: a child and the calls that wait for it. An answer is an object, or, when it was spliced,
 * the bytes that follow the id.
 */
class Upstream {
  #pending = new Map();
  #lastId = 0;
  #rest = [];

  constructor([command, ...args]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.child.stdout.on('data', (chunk) => this.#read(chunk));
    this.child.on('exit', () => process.exit(1));
    this.ready = this.#open();
  }

  async #open() {
    await this.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'floor', version: '1.0.0' },
    });
    this.child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  }

  #read(chunk) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      let line = chunk.subarray(start, end);
      start = end + 1;
      if (this.#rest.length > 0) {
        line = Buffer.concat([...this.#rest, line]);
        this.#rest = [];
      }
      this.#settle(line);
    }
    if (start < chunk.length) this.#rest.push(chunk.subarray(start));
  }

  #settle(line) {
    if (isSplicing && line.length > SPLICED_FROM_BYTES) {
      const head = HEAD.exec(line.latin1Slice(0, 48));
      if (head) {
        this.#take(Number(head[1]))?.(undefined, line.subarray(head[0].length));
        return;
      }
    }
    const message = JSON.parse(line.utf8Slice());
    this.#take(message.id)?.(message);
  }

  #take(id) {
    const settle = this.#pending.get(id);
    this.#pending.delete(id);
    return settle;
  }

  /** Sends a message under an id of its own; `settle(message)` or `settle(undefined, bytes)` follows. */
  send(message, settle) {
    this.#lastId += 1;
    this.#pending.set(this.#lastId, settle);
    message.id = this.#lastId;
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  request(method, params) {
    return new Promise((resolve) => {
      this.send({ jsonrpc: '2.0', method, params }, (message, bytes) =>
        resolve(message ? message.result : JSON.parse(`{${bytes.utf8Slice()}`).result),
      );
    });
  }
}

const upstreams = new Map();
const { mcp_servers: servers } = JSON.parse(readFileSync(option('config'), 'utf8'));
for (const [name, { command }] of Object.entries(servers)) {
  upstreams.set(name, new Upstream(command));
}

async function listTools() {
  const lists = [...upstreams].map(async ([server, upstream]) => {
    await upstream.ready;
    const { tools } = await upstream.request('tools/list', {});
    return tools.map((tool) => ({ ...tool, name: `${server}__${tool.name}` }));
  });
  return (await Promise.all(lists)).flat();
}

function sendObject(response, message) {
  if (isStdio) {
    process.stdout.write(`${JSON.stringify(message)}\n`);
    return;
  }
  const body = Buffer.from(JSON.stringify(message));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

function sendSpliced(response, id, bytes) {
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`;
  const length = head.length + bytes.length;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
  response.write(head, 'latin1');
  response.end(bytes);
}

let keptList;
async function answerList(response, id) {
  if (isSplicing) {
    keptList ??= Buffer.from(`"result":${JSON.stringify({ tools: await listTools() })}}`);
    sendSpliced(response, id, keptList);
  } else {
    sendObject(response, { jsonrpc: '2.0', id, result: { tools: await listTools() } });
  }
}

function answerCall(response, message) {
  const { id, params } = message;
  const split = params.name.indexOf('__');
  const upstream = upstreams.get(params.name.slice(0, split));
  params.name = params.name.slice(split + 2);
  upstream.send(message, (answer, bytes) => {
    if (bytes) {
      sendSpliced(response, id, bytes);
    } else {
      answer.id = id;
      sendObject(response, answer);
    }
  });
}

function answer(response, message) {
  const { id, method, params } = message;
  if (id === undefined) response?.writeHead(202).end();
  else if (method === 'tools/call') answerCall(response, message);
  else if (method === 'tools/list') void answerList(response, id);
  else if (method === 'initialize') {
    const serverInfo = { name: 'floor', version: '1.0.0' };
    const result = {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo,
    };
    sendObject(response, { jsonrpc: '2.0', id, result });
  } else {
    const error = { code: -32601, message: 'Method not found' };
    sendObject(response, { jsonrpc: '2.0', id, error });
  }
}

function serveHttp() {
  http
    .createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
        answer(response, JSON.parse(body.utf8Slice()));
      });
    })
    .listen(Number(option('port')), '127.0.0.1');
}

function serveStdio() {
  let rest = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) answer(undefined, JSON.parse(line));
  });
}

if (isStdio) serveStdio();
else serveHttp();

process.on('SIGTERM', () => process.exit(0));
