import { backlog } from '../../temporal-config/ops/backlog.ts';
import type { OpsCommand } from '../../temporal-config/ops/command.ts';
import { approve, reject } from '../../temporal-config/ops/decide.ts';
import { exportHistory } from '../../temporal-config/ops/export-history.ts';
import { list } from '../../temporal-config/ops/list.ts';
import { replayCommand } from '../../temporal-config/ops/replay.ts';
import { reset } from '../../temporal-config/ops/reset.ts';
import { show } from '../../temporal-config/ops/show.ts';
import { signalCommand } from '../../temporal-config/ops/signal.ts';
import { WORKFLOW_BUNDLE } from '../../workers/workflow-bundle.ts';
import { CANCEL_SIGNAL, RETRY_SIGNAL } from '../../workflows/message-names.ts';

const cancel = signalCommand({
  name: 'cancel',
  signal: CANCEL_SIGNAL,
  summary: 'asks a withdrawal to stop before it pays',
  explanation: `Said by signal, which needs no account at the API. Before anything is signed it ends unpaid; afterwards a transaction that pays nobody
takes its nonce, and the chain decides which of the two is mined. Said twice, it is the same wish.`,
  said: 'asked to stop',
});

const retry = signalCommand({
  name: 'retry',
  signal: RETRY_SIGNAL,
  summary: 'sends a withdrawal that waits for a person back to work',
  explanation: `Said by signal, which needs no account at the API. It pays nobody twice: a new nonce is taken only after the old one was finally consumed
without paying. One that does not wait for a person takes no notice. To answer one particular dead letter, or many by filter, use
the API (POST /admin/dead-letters/retry).`,
  said: 'asked to try again',
});

/** The operators' commands, in the order of the help. */
export const OPS_COMMANDS: readonly OpsCommand[] = [
  list,
  show,
  backlog,
  approve,
  reject,
  cancel,
  retry,
  reset,
  exportHistory,
  replayCommand(WORKFLOW_BUNDLE),
];
