const NAME = /^[A-Za-z0-9-]{1,16}$/;

/** A name that a caller gave and nobody knows, as the parameter of an error: only where it looks like one. Any other text may be a secret at the wrong place. */
export function nameShown(parameter: string, text: string): Record<string, string> {
  return NAME.test(text) ? { [parameter]: text } : {};
}
