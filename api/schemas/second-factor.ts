import { Type, type Static } from 'typebox';
import { RECOVERY_CODES } from '../../domain/second-factor.ts';
import { nullable, oneOf } from './nullable.ts';
import { reasonField } from './wallet.ts';

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const password = Type.String({ minLength: 1, maxLength: 256, format: 'password', description: 'Of the account, asked again: a session alone changes no factor' });
const ONE_TIME = '^\\s*[0-9]{3}[\\s-]?[0-9]{3}\\s*$';
const oneTimeCode = Type.String({ maxLength: 16, pattern: ONE_TIME, description: 'Six digits, as the authenticator shows them', examples: ['287082'] });
const code = Type.String({ minLength: 6, maxLength: 40, description: 'Six digits of the authenticator, or a recovery code', examples: ['287082'] });

const exampleSecret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

export const PasswordAgainSchema = Type.Object({ password }, { additionalProperties: false, $id: 'PasswordAgain', examples: [{ password: 'correct horse battery staple' }] });

export const SecondFactorEnrolmentSchema = Type.Object(
  {
    secret: Type.String({ description: 'Base32, for an authenticator that is typed into. Shown this once.' }),
    uri: Type.String({ description: 'The same for an authenticator that scans: show it as a QR code, made on this machine. Shown this once.' }),
    recoveryCodes: Type.Array(Type.String(), { description: `${RECOVERY_CODES} codes that each stand in for the authenticator once. Shown this once: keep them elsewhere.` }),
  },
  {
    $id: 'SecondFactorEnrolment',
    examples: [{ secret: exampleSecret, uri: `otpauth://totp/Withdrawal%20engine:admin%40example.com?issuer=Withdrawal%20engine&secret=${exampleSecret}&algorithm=SHA1&digits=6&period=30`, recoveryCodes: ['AAAQ-EAYE-7L57-Z7P6', '…'] }],
  },
);

export const OneTimeCodeSchema = Type.Object({ code: oneTimeCode }, { additionalProperties: false, $id: 'OneTimeCode', examples: [{ code: '287082' }] });
export const SecondFactorCodeSchema = Type.Object({ code }, { additionalProperties: false, $id: 'SecondFactorCode', examples: [{ code: '287082' }] });
export const SecondFactorRemovalSchema = Type.Object({ password, code }, { additionalProperties: false, $id: 'SecondFactorRemoval', examples: [{ password: 'correct horse battery staple', code: '287082' }] });

export const SecondFactorSchema = Type.Object(
  {
    state: oneOf(['NONE', 'PENDING', 'ACTIVE'], { description: 'PENDING: enrolled, and no code of it was shown yet' }),
    confirmedAt: nullable(time),
    recoveryCodesLeft: Type.Integer({ description: 'How many recovery codes are not spent' }),
    verifiedUntil: nullable(Type.String({ format: 'date-time', description: 'Until when this session may do what needs a second factor; null where a code has to be shown first' })),
    required: Type.Boolean({ description: "Whether this service asks for it, by its settings" }),
  },
  { $id: 'SecondFactor', examples: [{ state: 'ACTIVE', confirmedAt: '2026-11-24T04:20:00.000Z', recoveryCodesLeft: 10, verifiedUntil: '2026-11-24T09:15:00.000Z', required: true }] },
);
export type SecondFactorView = Static<typeof SecondFactorSchema>;

export const UserIdParams = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,9}$', examples: ['7'] }) });
export const SecondFactorResetSchema = Type.Object({ reason: reasonField('Why, and how it was made sure who asks') }, { additionalProperties: false, $id: 'SecondFactorReset', examples: [{ reason: 'phone lost, asked in person' }] });
