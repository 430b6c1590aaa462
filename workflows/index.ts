export { reconcile } from './reconcile.ts';
export { sweep } from './sweep.ts';
export { withdrawal } from './withdrawal.ts';
