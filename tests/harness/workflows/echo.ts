/** Ends with what it was started with. */
export async function echo(value: string): Promise<string> {
  return value;
}
