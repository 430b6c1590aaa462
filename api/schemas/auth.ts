import { Type, type Static } from 'typebox';

export const SignInSchema = Type.Object(
  {
    email: Type.String({ minLength: 1, maxLength: 254, examples: ['user@example.com'] }),
    password: Type.String({ minLength: 1, maxLength: 256, format: 'password' }),
  },
  { additionalProperties: false, $id: 'SignIn', examples: [{ email: 'user@example.com', password: 'correct horse battery staple' }] },
);

export const RefreshSchema = Type.Object({ refreshToken: Type.String({ minLength: 1, maxLength: 256 }) }, { additionalProperties: false, $id: 'Refresh', examples: [{ refreshToken: 'q1w2…' }] });

export const TokensSchema = Type.Object(
  {
    accessToken: Type.String({ description: 'For `Authorization: Bearer …`' }),
    refreshToken: Type.String({ description: 'Works once; the answer holds its successor.' }),
    expiresIn: Type.Integer({ description: 'Seconds the access token is valid', examples: [600] }),
  },
  { $id: 'Tokens', examples: [{ accessToken: 'eyJhbGciOiJFZERTQSJ9…', refreshToken: 'q1w2…', expiresIn: 600 }] },
);
export type Tokens = Static<typeof TokensSchema>;
