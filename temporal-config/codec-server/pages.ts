import type { Reader } from './engine-api.ts';

/** No script, no style, no frame: forms that post to this server alone. */
export const PAGE_POLICY = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const page = (body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Payloads in Temporal</title></head>
<body><h1>Payloads in Temporal</h1>
${body}
</body></html>
`;

/** For whoever is not signed in. */
export function signInPage(complaint = ''): string {
  return page(`<p>Sign in with your account of the withdrawal engine (ADMIN, APPROVER or AUDITOR), so that the Temporal Web UI shows what payloads hold.</p>
${complaint === '' ? '' : `<p role="alert"><strong>${escaped(complaint)}</strong></p>`}
<form method="post" action="/sign-in">
<p><label>Email <input name="email" type="email" autocomplete="username" required maxlength="254"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required maxlength="256"></label></p>
<p><button>Sign in</button></p>
</form>`);
}

/** For whoever is. */
export function signedInPage({ email, role }: Reader): string {
  return page(`<p>${escaped(email)} (${escaped(role)}) may read payloads. Load the page of the Temporal Web UI again to see them.</p>
<form method="post" action="/sign-out"><p><button>Sign out</button></p></form>`);
}
