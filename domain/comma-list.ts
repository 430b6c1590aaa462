/** The entries of a variable that may hold several, separated by commas: without the blanks around them, and without empty ones. */
export function commaList(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
