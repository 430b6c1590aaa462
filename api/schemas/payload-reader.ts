import { Type } from 'typebox';
import { ROLES } from '../../domain/status.ts';
import { oneOf } from './nullable.ts';

export const PayloadReaderSchema = Type.Object(
  { accountId: Type.Integer(), email: Type.String(), role: oneOf(ROLES) },
  { $id: 'PayloadReader', examples: [{ accountId: 3, email: 'auditor@example.com', role: 'AUDITOR' }] },
);
