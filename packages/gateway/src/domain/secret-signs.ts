/** By what a secret is known where nothing declares it. Rather one too many: it only moves to another file. */

const NAME =
  /(?:^|[_.\s-])(?:api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|auth[_-]?key|key|token|secret|passwo?r?d|passphrase|pass|pwd?|pat|connection[_-]?string|credentials?|auth|authorization|bearer|cookie|dsn|webhook|jwt|license)(?:$|[_.\s-])|(?:token|secret|password|passwd|api[_-]?key|apikey|access[_-]?key|privatekey|credential)$/i;
/** What such a name counts, limits or points to is no secret; of a webhook and a DSN the address is one. */
const HARMLESS_NAME =
  /(?:max|min|limit|count|ttl|timeout|expir\w*|file|path|dir|name|type|env[_-]?var|header|claim)$|^(?!.*(?:webhook|dsn|secret)).*(?:url|uri|endpoint|id)$/i;

const PREFIX =
  /^(?:gh[pousr]_|github_pat_|glpat-|gl[a-z]{2,4}-|xox[abposr]-|xapp-|sk-|sk_|pk_live_|rk_live_|AKIA|ASIA|AIza|ya29\.|eyJ[\w-]+\.|npm_|pypi-|dop_v1_|hf_|ntn_|secret_|lin_api_|figd_|shpat_|SG\.|whsec_|dckr_pat_|vercel_|sbp_|tvly-|fc-|pplx-|gsk_|xai-|r8_|ATATT|BSA)[\w.+/=-]{8,}/;

const HARMLESS_VALUE =
  /^(?:|true|false|yes|no|on|off|null|none|\d{1,4}|(?:[~.]{0,2}|[A-Za-z]:)[\\/].*|@?[\w.-]+\/[\w.@/-]+)$/i;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const WORDLIKE = /^[\w+/=.~-]{24,}$/;
const BITS_MIN = 4;

export const isSecretName = (name: string): boolean =>
  NAME.test(withBoundaries(name)) && !HARMLESS_NAME.test(withBoundaries(name));

/** `apiKey` becomes `api_Key`. */
const withBoundaries = (name: string): string => name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');

/** Whether a value is one whatever it is called. */
export function looksSecret(value: string): boolean {
  if (PREFIX.test(value)) return true;
  if (!WORDLIKE.test(value) || UUID.test(value) || HARMLESS_VALUE.test(value)) return false;
  if (!/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  return bitsPerCharacter(value) >= BITS_MIN || /^[0-9a-f]{32,}$/i.test(value);
}

export const isSecretField = (name: string, value: string): boolean =>
  looksSecret(value) ||
  hasUrlPassword(value) ||
  (isSecretName(name) && (!HARMLESS_VALUE.test(value) || value.endsWith('=')));

/** `postgresql://user:password@host`, `https://token@host`. */
export const hasUrlPassword = (value: string): boolean =>
  /^(?:[a-z][\w+.-]*:\/\/[^/\s:@]*:[^/\s@]+@|https?:\/\/[^/\s@]+@)/i.test(value);

/** Whether a value of a server had better not be shown, though nothing says that it is a secret. */
export const mayBeSecret = (value: string): boolean =>
  value.length >= UNSHOWN_LENGTH_MIN && !HARMLESS_VALUE.test(value) && !PLAIN_WORDS.test(value);

const UNSHOWN_LENGTH_MIN = 8;
/** Words, versions, and addresses without a query. */
const PLAIN_WORDS =
  /^(?:[a-z]+(?:[-_. ,][a-z]+)*|v?\d+(?:\.\d+)*|https?:\/\/[\w.:-]+(?:\/[^?@]*)?)$/i;

/** Shannon. */
function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values())
    bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
