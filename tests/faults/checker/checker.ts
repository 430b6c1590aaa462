import { judge, type Judgement } from './judge.ts';
import { readBooks, type Books } from './read-books.ts';
import { readChain } from './read-chain.ts';
import { linesOf, readRecord } from './record.ts';

export interface CheckInput {
  recordFile: string;
  databaseUrl: string;
  rpcUrl: string;
}

export interface Checked extends Judgement {
  books: Books;
}

/** Judges a run that has come to rest, from its record, the database and the chain, each reached directly. */
export async function checkRun(input: CheckInput): Promise<Checked> {
  const record = readRecord(input.recordFile);
  const [run] = linesOf(record, 'run');
  if (!run) throw new Error(`${input.recordFile} does not begin with the run`);
  const wallets = run.wallets.map(({ address }) => address);
  const tokens = [...new Set(run.wallets.flatMap(({ balances }) => balances.flatMap(({ tokenAddress }) => (tokenAddress === null ? [] : [tokenAddress]))))];
  const books = await readBooks(input.databaseUrl, run.chainId);
  const chain = await readChain(input.rpcUrl, { fromBlock: run.fromBlock, wallets, tokens });
  return { ...judge(record, books, chain), books };
}
