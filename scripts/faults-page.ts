// The page of faults, from the table that the fault lab holds against real processes.
import { FAULTS, type FaultFacts } from '../test/faults/table.ts';

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const code = (text: string): string => `\`${text}\``;

const faultRow = ({ title, code: error, soon, state, events, recovery }: FaultFacts): string =>
  row([
    title,
    error === undefined ? 'the result' : code(error),
    soon,
    code(state),
    events.map(code).join(', '),
    recovery,
  ]);

/** @param head the line that says who writes the page */
export const faultsPage = (head: string): string => `${head}

# Faults

What goes wrong, what the client of the call sees and how soon, and how it goes on without anybody who does something
about it. Each line is a test that breaks a real process, connection or disk (\`test/faults\`). Where a server is broken,
another one of the same gateway is called all the time: of its calls none fails. Where it is the machine (file
descriptors, disk, database), calls of a server that runs succeed meanwhile. What the codes mean is in
[errors](errors.md); the events are those of the [log](../guides/events.md), beside those of the calls.

${row(['What happens', 'The client gets', 'How soon', 'State of the server', 'Events', 'How it works again'])}
${row(['---', '---', '---', '---', '---', '---'])}
${Object.values(FAULTS).map(faultRow).join('\n')}

What one server costs the latency of the others is measured by \`node test/load/isolation.ts\`: steady calls of two good
servers through one gateway, while a bad one works behind the same gateway or behind another one, in turns.
`;
