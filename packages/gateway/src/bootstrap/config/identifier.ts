/** What is wrong with a server id, and an id that would do; the rule itself is `McpServerId` of the domain. */
export function identifierProblem(id: string): { readonly message: string; readonly fix: string } {
  return { message: `bad id "${id.slice(0, 80)}": ${reason(id)}`, fix: `write "${proposal(id)}"` };
}

function reason(id: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(id)) {
    return 'an id matches ^[A-Za-z][A-Za-z0-9_-]{0,63}$';
  }
  return id.includes('__')
    ? '"__" is reserved as the separator of server and tool'
    : 'an id may not end with "_"';
}

function proposal(id: string): string {
  const plain = id
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replaceAll(/__+/g, '_')
    .replace(/^[^A-Za-z]+/, '')
    .slice(0, 64)
    .replace(/_+$/, '');
  return plain === '' ? 'server' : plain;
}
