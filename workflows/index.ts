export { auditChain } from './audit-chain.ts';
export { deliverWebhook } from './deliver-webhook.ts';
export { reconcile } from './reconcile.ts';
export { guardian } from './guardian.ts';
export { sweep } from './sweep.ts';
export { treasury } from './treasury.ts';
export { withdrawal } from './withdrawal.ts';
