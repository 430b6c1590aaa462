import { PORT_SLICE_VARIABLE } from '../../scripts/stack/ports.ts';

// Test files that run beside each other, and the processes they start, never find the same port free.
process.env[PORT_SLICE_VARIABLE] = process.env['VITEST_POOL_ID'] ?? '0';
