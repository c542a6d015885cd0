/**
 * What one stdio client has with its gateway, remembered so that another gateway can take the place of one that ended
 * and the client notices no more than it must.
 *
 * States: attached -> lost -> opening (its handshake is repeated) -> attached.
 * Invariants:
 * 1. Every request of the client is answered once: by a gateway, or by an error when its gateway ended.
 * 2. A request that may have run is never sent again. Sent again are those that the last gateway said it has not read,
 *    and those that no server acts on.
 * 3. Answers to what is repeated in the client's name do not reach the client.
 * 4. A question of an earlier gateway is withdrawn, and its late answer dropped: ids of questions are counted by each
 *    gateway for itself, so from the second one on they are renamed.
 */
import { Fault } from '@mcp-hangar/kernel/errors';
import { spanText, splice, type Edit } from '../../domain/protocol/json-spans.ts';
import { SERVER_SLOT, type ServerText } from '../../domain/protocol/server-message.ts';
import { rpcErrorOf } from '../calls/reply.ts';
import { lineOf, type Glimpse, type Line } from './glimpse.ts';

/** Requests that are kept to be sent again, all together. Bytes. */
const KEPT_BYTES_MAX = 16_777_216;
const SUBSCRIPTIONS_MAX = 1_000;
const STALE_QUESTIONS_MAX = 1_000;

/** Requests that the gateway answers by itself, or that only say what the client wants to hear of. */
const HARMLESS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
]);

interface Outstanding {
  readonly rawId: string;
  readonly method: string;
  /** Of a resource, as it was written. */
  readonly uri: string | undefined;
  /** Undefined where it is too much to keep. */
  readonly line: Line | undefined;
  /** Where it ends in what was sent to this gateway. */
  readonly endByte: number;
  /** Sent in the client's name: nobody waits for the answer. */
  readonly isRepeated: boolean;
  /** Of `subscriptions/listen`: the client knows that it is subscribed. */
  isAcknowledged: boolean;
}

export class ClientRecord {
  readonly #outstanding = new Map<string, Outstanding>();
  readonly #subscriptions = new Map<string, Outstanding>();
  /** Questions that the client has not answered: id as it knows it -> id of the gateway. */
  readonly #questions = new Map<string, string>();
  readonly #stale = new Set<string>();
  #hello: Outstanding | undefined;
  #initialized: Line | undefined;
  #level: Outstanding | undefined;
  /** What the next gateway gets behind the handshake. */
  #again: readonly Outstanding[] = [];
  #generation = 1;
  #sentBytes = 0;
  #keptBytes = 0;
  #isOpening = false;
  #isStopping = false;

  /** Whether requests must wait for the repeated handshake. */
  get isOpening(): boolean {
    return this.#isOpening;
  }

  /** Whether the client waits for an answer; a subscription has none. */
  get isWaiting(): boolean {
    for (const { method, isRepeated } of this.#outstanding.values()) {
      if (!isRepeated && method !== 'subscriptions/listen') return true;
    }
    return this.#again.some(({ method }) => method !== 'subscriptions/listen');
  }

  /** Takes note of a line that goes to the gateway now. Answers what to send; undefined: nothing. */
  sent(line: Line, seen: Glimpse): Line | undefined {
    const out = this.#toGateway(line, seen);
    if (out !== undefined) this.#sentBytes += out.bytes + 1;
    if (seen.kind === 'request') this.#note(seen, line);
    if (seen.kind === 'batch') {
      for (const message of seen.messages) if (message.kind === 'request') this.#note(message);
    }
    return out;
  }

  /** Takes note of a line from the gateway. Answers what the client gets; undefined: nothing. */
  received(line: Line, seen: Glimpse): Line | undefined {
    switch (seen.kind) {
      case 'answer':
        return this.#answered(seen.rawId, seen.isError) ? line : undefined;
      case 'request':
        return this.#asked(seen.rawId, line, seen.line);
      case 'notification':
        return this.#notified(seen.method, line, seen.line);
      case 'batch':
        for (const message of seen.messages) {
          if (message.kind === 'answer') this.#answered(message.rawId, message.isError);
        }
        return line;
      case 'unreadable':
        return line;
    }
  }

  /** The gateway says that it ends: that it ends subscriptions, too, is not the client's business. */
  gatewayStops(): void {
    this.#isStopping = true;
  }

  /**
   * The gateway has ended. Answers what the client is told at once.
   * @param readBytes how much the gateway says it has read; undefined where it could say nothing
   */
  lost(readBytes: number | undefined): readonly Line[] {
    const told: Line[] = [];
    const again: Outstanding[] = [];
    for (const entry of this.#outstanding.values()) {
      if (entry.isRepeated) continue; // repeated to the next one as well
      const wasRead = readBytes === undefined || entry.endByte <= readBytes;
      const mayRepeat = entry.line !== undefined && (HARMLESS.has(entry.method) || !wasRead);
      if (mayRepeat) again.push(entry);
      else told.push(endedAnswer(entry.rawId));
    }
    for (const shown of this.#questions.keys()) {
      told.push(withdrawal(shown));
      if (this.#stale.size < STALE_QUESTIONS_MAX) this.#stale.add(shown);
    }
    this.#outstanding.clear();
    this.#questions.clear();
    this.#again = [...again, ...this.#again];
    this.#generation += 1;
    this.#sentBytes = 0;
    this.#keptBytes = 0;
    this.#isOpening = false;
    this.#isStopping = false;
    return told;
  }

  /** What opens the connection to the next gateway. While `isOpening`, everything else waits for `rest`. */
  open(): readonly Line[] {
    if (this.#hello === undefined) return this.rest();
    this.#isOpening = true;
    return this.#repeat(this.#hello);
  }

  /** What follows the handshake: the client's settings, then its requests that have reached nobody. */
  rest(): readonly Line[] {
    this.#isOpening = false;
    const lines: Line[] = [];
    if (this.#hello !== undefined && this.#initialized !== undefined) {
      this.#sentBytes += this.#initialized.bytes + 1;
      lines.push(this.#initialized);
    }
    for (const entry of [this.#level, ...this.#subscriptions.values()]) {
      if (entry !== undefined) lines.push(...this.#repeat(entry));
    }
    const again = this.#again;
    this.#again = [];
    for (const entry of again) lines.push(...this.#put(entry, { isRepeated: false }));
    return lines;
  }

  /** @param line undefined where the request cannot be sent again alone */
  #note(seen: Extract<Glimpse, { kind: 'request' }>, line?: Line): void {
    const { rawId, method } = seen;
    const uri = uriOf(seen);
    if (method === 'resources/unsubscribe' && uri !== undefined) this.#subscriptions.delete(uri);
    const isKept = line !== undefined && this.#keptBytes + line.bytes <= KEPT_BYTES_MAX;
    if (isKept) this.#keptBytes += line.bytes;
    this.#outstanding.set(rawId, {
      rawId,
      method,
      uri,
      line: isKept ? line : undefined,
      endByte: this.#sentBytes,
      isRepeated: false,
      isAcknowledged: false,
    });
  }

  /** What of a client's line the gateway gets, in the ids of that gateway. */
  #toGateway(line: Line, seen: Glimpse): Line | undefined {
    if (seen.kind === 'notification') return this.#clientNotified(line, seen.method, seen.line);
    if (seen.kind !== 'answer') return line;
    if (this.#stale.delete(seen.rawId)) return undefined;
    const own = this.#questions.get(seen.rawId);
    this.#questions.delete(seen.rawId);
    if (own === undefined || own === seen.rawId || seen.line === undefined) return line;
    return edited(seen.line, [{ slot: SERVER_SLOT.id, text: own }]);
  }

  #clientNotified(line: Line, method: string, text: ServerText | undefined): Line | undefined {
    if (method === 'notifications/initialized') this.#initialized = line;
    if (text === undefined) return line;
    if (method === 'notifications/cancelled') {
      const rawId = spanText(text.text, text.spans, SERVER_SLOT.requestId);
      // It will not be answered any more; a subscription that ends so is not to be repeated.
      if (rawId !== undefined) this.#forget(rawId);
    }
    if (method !== 'notifications/progress' || this.#generation === 1) return line;
    const token = spanText(text.text, text.spans, SERVER_SLOT.progressToken);
    const own = token === undefined ? undefined : this.#ownName(token);
    return own === undefined
      ? undefined
      : edited(text, [{ slot: SERVER_SLOT.progressToken, text: own }]);
  }

  #forget(rawId: string): void {
    const entry = this.#outstanding.get(rawId);
    this.#outstanding.delete(rawId);
    if (entry?.line !== undefined && !entry.isRepeated) this.#keptBytes -= entry.line.bytes;
  }

  /** Whether the client is to see the answer. */
  #answered(rawId: string, isError: boolean): boolean {
    const entry = this.#outstanding.get(rawId);
    if (entry === undefined) return true;
    if (this.#isStopping && entry.method === 'subscriptions/listen') return false;
    this.#forget(rawId);
    if (!entry.isRepeated && !isError && entry.line !== undefined) this.#keep(entry, entry.line);
    if (entry.isRepeated && entry.method === 'initialize') this.#isOpening = false;
    return !entry.isRepeated;
  }

  /** What a successful request changes for as long as the client stays. */
  #keep(entry: Outstanding, line: Line): void {
    const { method, uri } = entry;
    if (method === 'initialize') this.#hello = { ...entry, line: compact(line) };
    if (method === 'logging/setLevel') this.#level = { ...entry, line: compact(line) };
    if (method !== 'resources/subscribe' || uri === undefined) return;
    if (this.#subscriptions.size < SUBSCRIPTIONS_MAX)
      this.#subscriptions.set(uri, { ...entry, line: compact(line) });
  }

  #asked(rawId: string, line: Line, text: ServerText | undefined): Line | undefined {
    const shown = this.#generation === 1 || text === undefined ? rawId : this.#shownName(rawId);
    this.#questions.set(shown, rawId);
    if (shown === rawId || text === undefined) return line;
    const edits: Edit[] = [{ slot: SERVER_SLOT.id, text: shown }];
    const token = spanText(text.text, text.spans, SERVER_SLOT.metaToken);
    if (token !== undefined)
      edits.push({ slot: SERVER_SLOT.metaToken, text: this.#shownName(token) });
    return edited(text, edits);
  }

  #notified(method: string, line: Line, text: ServerText | undefined): Line | undefined {
    if (text === undefined) return line;
    if (method === 'notifications/subscriptions/acknowledged') {
      const rawId = spanText(text.text, text.spans, SERVER_SLOT.subscriptionId);
      const entry = rawId === undefined ? undefined : this.#outstanding.get(rawId);
      if (entry?.isAcknowledged === true) return undefined;
      if (entry !== undefined) entry.isAcknowledged = true;
    }
    if (method !== 'notifications/cancelled') return line;
    const rawId = spanText(text.text, text.spans, SERVER_SLOT.requestId);
    if (rawId === undefined) return line;
    if (this.#generation === 1) {
      this.#questions.delete(rawId);
      return line;
    }
    const shown = this.#shownName(rawId);
    return this.#questions.delete(shown)
      ? edited(text, [{ slot: SERVER_SLOT.requestId, text: shown }])
      : line;
  }

  /** A gateway's number as the client sees it; unlike any number of another gateway. */
  #shownName(raw: string): string {
    return JSON.stringify(`${this.#generation}:${raw}`);
  }

  #ownName(shown: string): string | undefined {
    const prefix = `"${this.#generation}:`;
    if (!shown.startsWith(prefix)) return undefined;
    const name: unknown = JSON.parse(shown); // a JSON string: it was found by its span
    return typeof name === 'string' ? name.slice(prefix.length - 1) : undefined;
  }

  /** In the client's name; it is not to see the answer. */
  #repeat(entry: Outstanding): readonly Line[] {
    return this.#put(entry, { isRepeated: true });
  }

  #put(entry: Outstanding, { isRepeated }: { readonly isRepeated: boolean }): readonly Line[] {
    const { line, rawId } = entry;
    if (line === undefined) return [];
    this.#sentBytes += line.bytes + 1;
    if (!isRepeated) this.#keptBytes += line.bytes;
    this.#outstanding.set(rawId, { ...entry, endByte: this.#sentBytes, isRepeated });
    return [line];
  }
}

function endedAnswer(rawId: string): Line {
  const error = rpcErrorOf(
    new Fault('GATEWAY_ENDED', 'the gateway ended during the call; call again'),
  );
  return lineOf(`{"jsonrpc":"2.0","id":${rawId},"error":${JSON.stringify(error)}}`);
}

const withdrawal = (rawId: string): Line =>
  lineOf(
    `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${rawId},"reason":"the gateway ended"}}`,
  );

const edited = ({ text, spans }: ServerText, edits: readonly Edit[]): Line =>
  lineOf(splice(text, spans, edits));

/** A copy of its own: what is kept for long must not hold the chunks that it came in. */
const compact = ({ pieces, bytes }: Line): Line => ({ pieces: [Buffer.concat(pieces)], bytes });

const uriOf = ({ line }: Extract<Glimpse, { kind: 'request' }>): string | undefined =>
  line === undefined ? undefined : spanText(line.text, line.spans, SERVER_SLOT.updatedUri);
