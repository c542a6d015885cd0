/** Certificates made by openssl for one test run: an authority, and what it signed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Identity {
  readonly key: string;
  readonly cert: string;
}

export class Certificates implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'hangar-tls-'));
  /** The authority's own certificate, as a file. */
  readonly caPath = join(this.#folder, 'ca.crt');

  constructor() {
    this.#run(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt',
    );
  }

  /** @param host a name or address, as a subject alternative name: `IP:127.0.0.1` */
  signed(host: string): Identity {
    writeFileSync(join(this.#folder, 'san.ext'), `subjectAltName=${host}\n`);
    this.#run(
      'req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout server.key -out server.csr',
    );
    this.#run(
      'x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile san.ext -out server.crt',
    );
    return this.#read('server');
  }

  selfSigned(host: string): Identity {
    this.#run(
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=self -addext subjectAltName=${host} -keyout self.key -out self.crt`,
    );
    return this.#read('self');
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #read(name: string): Identity {
    const read = (end: string): string => readFileSync(join(this.#folder, name + end), 'utf8');
    return { key: read('.key'), cert: read('.crt') };
  }

  #run(args: string): void {
    execFileSync('openssl', args.split(' '), { cwd: this.#folder, stdio: 'pipe' });
  }
}
