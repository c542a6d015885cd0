/**
 * A sealed text is `hgr1.KEY.BODY`: KEY names the key and is public, BODY is nonce, ciphertext and tag in base64url.
 *
 * Invariants:
 * 1. The key never leaves the process, so nothing that was sealed before a restart can be opened after it.
 * 2. Everything before BODY is authenticated too, and BODY has one spelling: a text that opens is the text that was
 *    sealed, byte for byte.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Sealer, Unsealed } from '../../application/ports.ts';

const CIPHER = 'aes-256-gcm';
const PREFIX = 'hgr1';
const KEY_BYTES = 32;
const KEY_ID_BYTES = 6;
/** Random nonces of this size are safe for 2^32 texts under one key (NIST SP 800-38D, 8.3). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEALED_CHARACTERS_MAX = 8_192;
const SHAPE = /^(?<head>hgr1\.[\w-]{8}\.)(?<body>[\w-]+)$/;

/** AES-256-GCM under a random key of its own. What is longer than 8,192 characters once sealed cannot be opened. */
export class AesSealer implements Sealer {
  readonly #key = randomBytes(KEY_BYTES);
  readonly #head = `${PREFIX}.${randomBytes(KEY_ID_BYTES).toString('base64url')}.`;

  seal(text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(this.#head));
    const body = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return this.#head + Buffer.concat(body).toString('base64url');
  }

  open(sealed: string): Unsealed {
    if (sealed.length > SEALED_CHARACTERS_MAX) return { kind: 'unknown' };
    const { head, body } = SHAPE.exec(sealed)?.groups ?? {};
    if (head === undefined || body === undefined) return { kind: 'unknown' };
    if (head !== this.#head) return { kind: 'foreign' };
    const text = this.#textOf(body);
    return text === undefined ? { kind: 'broken' } : { kind: 'ours', text };
  }

  #textOf(body: string): string | undefined {
    const bytes = Buffer.from(body, 'base64url');
    // The bits that the last character has left over must be zero: else one text would have several spellings.
    if (bytes.toString('base64url') !== body) return undefined;
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(this.#head));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      return undefined; // what `final` says of a tag that does not fit
    }
  }
}
