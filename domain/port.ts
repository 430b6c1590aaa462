/**
 * Reads a TCP port as it stands in a variable. Throws one line that names the variable.
 * @param lowest 0 where 0 means any free port, else 1
 */
export function parsePort(variable: string, text: string, lowest: 0 | 1 = 0): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= lowest && port <= 65_535) return port;
  throw new Error(`${variable} must be a port from ${lowest} to 65535${lowest === 0 ? ' (0: any free port)' : ''}, but is "${text}".`);
}
