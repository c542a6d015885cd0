/** Whether a URI can have come from a URI template (RFC 6570, levels 1 to 3 as servers use them). */

const SEGMENT_MAX = 8_192;

/**
 * A test for URIs of a template: expressions match what their operator allows. Compiled once per template;
 * the pattern has no nested repetition, so that its cost stays linear for hostile URIs of bounded length.
 */
export function templateMatcher(template: string): (uri: string) => boolean {
  const parts = template.split(/(\{[^{}]*\})/);
  const pattern = parts
    .map((part) => (part.startsWith('{') ? expression(part) : literal(part)))
    .join('');
  const regex = new RegExp(`^${pattern}$`);
  return (uri) => uri.length <= SEGMENT_MAX && regex.test(uri);
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

function expression(part: string): string {
  const operator = part[1] ?? '';
  if (operator === '+' || operator === '#') return '.*';
  if (operator === '/') return '(?:/[^?#]*)?';
  return operator === '?' || operator === '&' ? '(?:[?&][^#]*)?' : '[^/?#]*';
}
