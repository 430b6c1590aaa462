import type { Payload } from '@temporalio/common';
import { Type, type Static } from 'typebox';

/** Payloads as protobuf's JSON writes them: bytes are base64. At most what a page of the Web UI brings. */
const PAYLOADS_MAX = 10_000;
const METADATA_MAX = 32;
const Base64 = Type.String({ pattern: '^[A-Za-z0-9+/_-]*={0,2}$' });

export const PayloadsSchema = Type.Object({
  payloads: Type.Array(Type.Object({ metadata: Type.Optional(Type.Record(Type.String({ maxLength: 256 }), Base64, { maxProperties: METADATA_MAX })), data: Type.Optional(Base64) }), { maxItems: PAYLOADS_MAX }),
});
type PayloadJson = Static<typeof PayloadsSchema>['payloads'][number];

export function payloadFrom({ metadata, data }: PayloadJson): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    data: Buffer.from(data ?? '', 'base64'),
  };
}

export function payloadJson({ metadata, data }: Payload): PayloadJson {
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
    data: Buffer.from(data ?? []).toString('base64'),
  };
}
