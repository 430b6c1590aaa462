import { ensureMotoInstalled } from '../scripts/stack/moto.ts';

/** While the sandbox image is built: the same moto in the same place as `npm start` has it. */
await ensureMotoInstalled('/tmp/install-moto.log');
