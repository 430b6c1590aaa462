import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { PayloadKey, PayloadKeys } from './payload-keys.ts';

const PayloadMessage = proto.temporal.api.common.v1.Payload;

/** What Temporal's own samples, tools and Web UI know a sealed payload by. */
const SEALED_ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const INFO = 'withdrawal-engine temporal payload 1';
const CIPHER = 'aes-256-gcm';
const SALT_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;

const utf8 = new TextEncoder();
const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

/** Whether a payload was sealed here, or by a tool that writes the same encoding. */
export function isSealed(payload: Payload): boolean {
  return textOf(payload.metadata?.['encoding']) === SEALED_ENCODING;
}

/** A payload that does not open: its key is not here, or it was altered. The message names the key's id and nothing of the content. */
export class PayloadNotOpened extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PayloadNotOpened';
  }
}

/**
 * Seals whole payloads, their metadata included, before they leave the process for Temporal. AES-256-GCM (NIST SP 800-38D) with a
 * random 96-bit IV, each payload under a key of its own that HKDF-SHA-256 (RFC 5869) derives from the named key and 16 random
 * bytes: a million withdrawals a day would else bring one key to the 2^32 random IVs it may seal under within weeks. The sealed
 * data is salt, IV, ciphertext, tag. The additional data binds encoding and key id, so that neither can be exchanged.
 *
 * What is not sealed passes `decode` as it is: histories from before, and what a person sends by hand, must not stop a workflow.
 * Sealing twice gives different bytes that open alike; nothing is kept between calls.
 * @throws PayloadNotOpened from `decode`. A workflow task or an activity's attempt then fails and is tried again without end, until
 * a worker with the key takes it.
 */
export function sealingCodec(keys: PayloadKeys): PayloadCodec {
  const byId = new Map(keys.map((key) => [key.id, key]));
  const [sealing] = keys;
  return {
    encode: async (payloads) => payloads.map((payload) => seal(payload, sealing)),
    decode: async (payloads) => payloads.map((payload) => (isSealed(payload) ? open(payload, byId) : payload)),
  };
}

function seal(payload: Payload, { id, key }: PayloadKey): Payload {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, derive(key, salt), iv, { authTagLength: TAG_BYTES }).setAAD(boundTo(id));
  const sealed = [cipher.update(PayloadMessage.encode(payload).finish()), cipher.final()];
  return { metadata: { encoding: utf8.encode(SEALED_ENCODING), [KEY_ID]: utf8.encode(id) }, data: Buffer.concat([salt, iv, ...sealed, cipher.getAuthTag()]) };
}

function open(payload: Payload, keys: ReadonlyMap<string, PayloadKey>): Payload {
  const id = textOf(payload.metadata?.[KEY_ID]);
  const found = keys.get(id);
  if (!found) throw new PayloadNotOpened(`A payload is sealed under the key ${JSON.stringify(id.slice(0, 32))}, which TEMPORAL_PAYLOAD_KEYS does not hold here.`);
  const data = Buffer.from(payload.data ?? []);
  const sealedAt = SALT_BYTES + IV_BYTES;
  try {
    const decipher = createDecipheriv(CIPHER, derive(found.key, data.subarray(0, SALT_BYTES)), data.subarray(SALT_BYTES, sealedAt), { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(id)).setAuthTag(data.subarray(Math.max(sealedAt, data.length - TAG_BYTES)));
    const opened = Buffer.concat([decipher.update(data.subarray(sealedAt, Math.max(sealedAt, data.length - TAG_BYTES))), decipher.final()]);
    const { metadata, data: content } = PayloadMessage.decode(opened);
    return { metadata, data: content };
  } catch (error) {
    throw new PayloadNotOpened(`A payload sealed under the key ${JSON.stringify(id)} does not open: it was altered, or that key has another value here.`, { cause: error });
  }
}

function derive(key: KeyObject, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, INFO, 32));
}

function boundTo(keyId: string): Buffer {
  return Buffer.from(`${SEALED_ENCODING}\0${keyId}`, 'utf8');
}
