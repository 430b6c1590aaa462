import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JsonRpcProvider } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAwsSecretStore } from '../../activities/custody/aws-secret-store.ts';
import { freePorts, startAnvil, startInfrastructure } from './infrastructure.ts';

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'persistence-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

describe('what the embedded parts keep over a restart', () => {
  it('secrets, each in its last version', async () => {
    const ports = await freePorts();
    const open = async () => {
      const infrastructure = await startInfrastructure({ stateDir, ports, parts: ['aws'] });
      const store = createAwsSecretStore({
        region: 'us-east-1',
        endpoint: infrastructure.urls.awsEndpointUrl ?? '',
        credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
      });
      return { store, close: async () => (store.close(), await infrastructure.stop()) };
    };
    const first = await open();
    await first.store.create('wallet/1', 'one');
    await first.store.create('wallet/2', 'two');
    const before = await first.store.get('wallet/1');
    await first.store.replace('wallet/1', 'one, sealed again', { previousVersionId: before.versionId, verify: () => undefined });
    const expected = await first.store.get('wallet/1');
    await first.close();
    // Twice: the recording itself must survive being played back.
    for (let restart = 0; restart < 2; restart += 1) {
      const next = await open();
      expect(await next.store.get('wallet/1')).toEqual(expected);
      expect((await next.store.get('wallet/2')).value).toBe('two');
      await next.close();
    }
  });

  it('blocks, receipts and the finalized tag of the chain', async () => {
    const first = await startAnvil({ stateDir, blockTimeSeconds: 1 });
    const provider = new JsonRpcProvider(first.url, first.chainId, { staticNetwork: true });
    const signer = await provider.getSigner(0);
    const sent = await signer.sendTransaction({ to: await (await provider.getSigner(1)).getAddress(), value: 1n });
    const receipt = await sent.wait(3);
    const finalized = await provider.getBlock('finalized');
    provider.destroy();
    await first.stop();

    const second = await startAnvil({ stateDir, blockTimeSeconds: 1 });
    const again = new JsonRpcProvider(second.url, second.chainId, { staticNetwork: true });
    try {
      const found = await again.getTransactionReceipt(sent.hash);
      expect(found?.blockHash).toBe(receipt?.blockHash);
      expect(found?.status).toBe(1);
      expect((await again.getBlock(receipt?.blockNumber ?? -1))?.hash).toBe(receipt?.blockHash);
      expect((await again.getBlock('finalized'))?.number ?? -1).toBeGreaterThanOrEqual(finalized?.number ?? Number.MAX_SAFE_INTEGER);
    } finally {
      again.destroy();
      await second.stop();
    }
  });
});
