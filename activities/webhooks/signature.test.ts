import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { makeWebhookSecret } from '../../db/webhook-secret-seal.ts';
import { signedHeaders } from './signature.ts';

const BODY = '{"type":"withdrawal.completed","data":{"note":"한글, ünïcode"}}';

describe('signedHeaders', () => {
  it('are accepted by an independent verifier, under each of the secrets and no other', () => {
    const [first, second, other] = [makeWebhookSecret(), makeWebhookSecret(), makeWebhookSecret()];
    const headers = signedHeaders('msg-0123', new Date(), BODY, [first, second]);
    expect(headers['webhook-signature'].split(' ')).toHaveLength(2);
    expect(new Webhook(first).verify(BODY, headers)).toEqual(JSON.parse(BODY));
    expect(new Webhook(second).verify(BODY, headers)).toEqual(JSON.parse(BODY));
    expect(() => new Webhook(other).verify(BODY, headers)).toThrow('No matching signature');
  });

  it('hold for this body, id and time only', () => {
    const secret = makeWebhookSecret();
    const headers = signedHeaders('msg-0123', new Date(), BODY, [secret]);
    const verify = (body: string, changed: object = {}) => new Webhook(secret).verify(body, { ...headers, ...changed });
    expect(() => verify(`${BODY} `)).toThrow('No matching signature');
    expect(() => verify(BODY, { 'webhook-id': 'msg-0124' })).toThrow('No matching signature');
    expect(() => verify(BODY, { 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) })).toThrow('No matching signature');
    expect(() => new Webhook(secret).verify(BODY, signedHeaders('msg-0123', new Date(Date.now() - 6 * 60_000), BODY, [secret]))).toThrow('too old');
  });

  it('give whole seconds', () => {
    expect(signedHeaders('msg-0123', new Date(1_795_494_000_999), BODY, [makeWebhookSecret()])['webhook-timestamp']).toBe('1795494000');
  });
});
