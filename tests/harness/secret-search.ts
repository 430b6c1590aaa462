export interface Secret {
  name: string;
  /** text as it is passed around, bytes where that is what it is */
  value: string | Buffer;
}

export interface Finding {
  secret: string;
  place: string;
  /** how it was written there */
  form: string;
}

/** Shorter ones would be found by chance. */
const BYTES_MIN = 12;

/** Base64 of bytes somewhere within others: what does not depend on its neighbours, for each of the three ways it can be aligned. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

/** Every way of writing a secret that is looked for, by name. Encodings of encodings are not. */
function formsOf(value: string | Buffer): [string, Buffer][] {
  const bytes = Buffer.from(value);
  if (bytes.length < BYTES_MIN) throw new Error(`a secret of ${bytes.length} bytes cannot be looked for`);
  const texts: [string, string][] = [
    ...(typeof value === 'string' ? [['URL-encoded', encodeURIComponent(value)], ['JSON', JSON.stringify(value).slice(1, -1)]] as [string, string][] : []),
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ...base64Forms(bytes).flatMap((text): [string, string][] => [['base64', text], ['base64url', text.replaceAll('+', '-').replaceAll('/', '_')]]),
  ];
  // Whoever shortens a secret still shows much of it.
  const half = Math.ceil(bytes.length / 2);
  const halves = half < BYTES_MIN ? [] : [['its first half', bytes.subarray(0, half)], ['its second half', bytes.subarray(half)]].filter(([, part]) => part !== undefined && part.length >= BYTES_MIN) as [string, Buffer][];
  const forms = [['as it is', bytes] as [string, Buffer], ...halves, ...texts.map(([name, text]): [string, Buffer] => [name, Buffer.from(text)])];
  return forms.filter(([, form], index) => forms.findIndex(([, same]) => same.equals(form)) === index);
}

/** Looks for secrets in whatever it is shown, and keeps what it finds: each secret, place and form once. */
export class SecretSearch {
  readonly #forms: { secret: string; form: string; bytes: Buffer }[] = [];
  readonly #found = new Map<string, Finding>();

  add({ name, value }: Secret): void {
    for (const [form, bytes] of formsOf(value)) this.#forms.push({ secret: name, form, bytes });
  }

  look(place: string, content: string | Buffer | null | undefined): void {
    if (content === null || content === undefined) return;
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
    for (const { secret, form, bytes: wanted } of this.#forms) {
      if (bytes.includes(wanted)) this.#found.set(`${secret} ${place} ${form}`, { secret, place, form });
    }
  }

  get findings(): Finding[] {
    return [...this.#found.values()];
  }
}
