import { Type, type Static } from 'typebox';

export const SignInSchema = Type.Object(
  {
    email: Type.String({ minLength: 1, maxLength: 254, examples: ['user@example.com'] }),
    password: Type.String({ minLength: 1, maxLength: 256, format: 'password' }),
  },
  { additionalProperties: false, $id: 'SignIn' },
);

export const RefreshSchema = Type.Object({ refreshToken: Type.String({ minLength: 1, maxLength: 256 }) }, { additionalProperties: false, $id: 'Refresh' });

export const TokensSchema = Type.Object(
  {
    accessToken: Type.String({ description: 'For `Authorization: Bearer …`' }),
    refreshToken: Type.String({ description: 'Works once; the answer holds its successor.' }),
    expiresIn: Type.Integer({ description: 'Seconds the access token is valid', examples: [600] }),
  },
  { $id: 'Tokens' },
);
export type Tokens = Static<typeof TokensSchema>;
