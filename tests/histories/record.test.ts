import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { engineFor, SCENARIOS } from './scenarios.ts';
import { historyText } from './history-file.ts';

const FOLDER = fileURLToPath(new URL('../../workflows/histories/', import.meta.url));
const only = process.env['HISTORIES_ONLY']?.split(',').filter(Boolean) ?? [];

/** No test: `npm run histories` walks every road with the real parts and keeps the histories that `workflows/histories.test.ts` replays. */
describe('recording', () => {
  it.for(SCENARIOS.filter(({ name }) => only.length === 0 || only.includes(name)))('$name', { timeout: 300_000 }, async (scenario) => {
    const engine = await engineFor(scenario);
    try {
      const workflowIds = await scenario.walk(engine);
      expect(workflowIds).not.toEqual([]);
      mkdirSync(FOLDER, { recursive: true });
      for (const [index, workflowId] of workflowIds.entries()) {
        const history = await engine.client.workflow.getHandle(workflowId).fetchHistory();
        writeFileSync(`${FOLDER}${scenario.name}${index === 0 ? '' : `-${index + 1}`}.json`, historyText(history));
      }
    } finally {
      await engine.stop();
    }
  });
});
