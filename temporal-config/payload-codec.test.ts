import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { array, assert, asyncProperty, constant, jsonValue, oneof, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSealed, PayloadNotOpened, sealingCodec } from './payload-codec.ts';
import { payloadKeysFrom, type PayloadKeys } from './payload-keys.ts';

const entry = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const keysOf = (...entries: string[]): PayloadKeys => payloadKeysFrom({ TEMPORAL_PAYLOAD_KEYS: entries.join(',') }) as PayloadKeys;
const OLD = entry('old');
const NEW = entry('new');
const codec = sealingCodec(keysOf(OLD));
const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = (payload: Payload | undefined): unknown => defaultPayloadConverter.fromPayload(payload as Payload);
const sealOne = async (value: unknown): Promise<Payload> => (await codec.encode([payloadOf(value)]))[0] as Payload;
const bytesOf = ({ metadata, data }: Payload): string => Buffer.concat([...Object.values(metadata ?? {}), data ?? new Uint8Array()]).toString('latin1');

describe('a sealed payload', () => {
  it('opens to exactly what was sealed, whatever that is', async () => {
    await assert(
      asyncProperty(array(oneof(jsonValue(), uint8Array(), constant(undefined))), async (values) => {
        const payloads = values.map(payloadOf);
        const sealed = await codec.encode(payloads);
        expect(sealed.every(isSealed)).toBe(true);
        expect((await codec.decode(sealed)).map(valueOf)).toEqual(payloads.map(valueOf));
      }),
    );
  });

  it('shows the name of its encoding and of its key, and nothing of the content or of its own metadata', async () => {
    const sealed = await sealOne({ toAddress: 'marked-recipient', amount: 'marked-amount' });
    expect(Object.fromEntries(Object.entries(sealed.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString()]))).toEqual({ encoding: 'binary/encrypted', 'encryption-key-id': 'old' });
    for (const mark of ['marked', 'json/plain']) expect(bytesOf(sealed)).not.toContain(mark);
  });

  it('is another one each time, and in whole: nobody can tell two equal values', async () => {
    const sealed = await Promise.all(Array.from({ length: 200 }, () => sealOne('same')));
    for (const part of [[0, 16], [16, 28], [28, 40]] as const) expect(new Set(sealed.map(({ data }) => Buffer.from(data ?? []).subarray(...part).toString('hex'))).size).toBe(200);
  });

  it('does not open once any bit of it was changed, or an end was cut off', async () => {
    const sealed = await sealOne('pay 10');
    const data = Buffer.from(sealed.data ?? []);
    for (let index = 0; index < data.length; index += 1) {
      const changed = Buffer.from(data);
      changed[index] = (changed[index] ?? 0) ^ 1;
      await expect(codec.decode([{ ...sealed, data: changed }])).rejects.toThrow(PayloadNotOpened);
      await expect(codec.decode([{ ...sealed, data: data.subarray(0, index) }])).rejects.toThrow(PayloadNotOpened);
    }
  });

  it('does not open under another key that took its name, or under a name put on it', async () => {
    const sealed = await sealOne('x');
    await expect(sealingCodec(keysOf(entry('old'))).decode([sealed])).rejects.toThrow(/"old" does not open/);
    const both = sealingCodec(keysOf(OLD, `alias:${OLD.split(':')[1] ?? ''}`));
    await expect(both.decode([{ ...sealed, metadata: { ...sealed.metadata, 'encryption-key-id': Buffer.from('alias') } }])).rejects.toThrow(/"alias" does not open/);
    expect((await both.decode([sealed])).map(valueOf)).toEqual(['x']);
  });
});

describe('rotation', () => {
  it('seals under the first key and opens under every one', async () => {
    const rotated = sealingCodec(keysOf(NEW, OLD));
    const before = await sealOne('before');
    const [after] = await rotated.encode([payloadOf('after')]);
    expect(Buffer.from(after?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('new');
    expect((await rotated.decode([before, after as Payload])).map(valueOf)).toEqual(['before', 'after']);
  });

  it('of a key that is gone is said by its name', async () => {
    await expect(sealingCodec(keysOf(NEW)).decode([await sealOne('before')])).rejects.toThrow('sealed under the key "old", which TEMPORAL_PAYLOAD_KEYS does not hold here');
  });
});

it('what was never sealed passes as it is', async () => {
  const plain = [payloadOf({ a: 1 }), payloadOf(undefined), {}];
  expect(await codec.decode(plain)).toEqual(plain);
});
