import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { problemResponses } from '../problems.ts';
import type { Keys } from './keys.ts';
import type { Login } from './login.ts';

const Credentials = Type.Object(
  {
    username: Type.String({ minLength: 1, maxLength: 64, description: 'Upper and lower case are the same.' }),
    password: Type.String({ minLength: 1, maxLength: 256 }),
  },
  { additionalProperties: false, examples: [{ username: 'demo', password: 'demo' }] },
);

const Token = Type.Object(
  {
    token: Type.String({ description: 'A JSON Web Token (RFC 7519), signed with RS256' }),
    tokenType: Type.Literal('Bearer'),
    expiresIn: Type.Integer({ description: 'How long the token is valid, in seconds' }),
    scope: Type.String({ description: 'What the token allows, separated by spaces' }),
  },
  {
    description: 'The token',
    examples: [
      {
        token: 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJl',
        tokenType: 'Bearer',
        expiresIn: 28800,
        scope: 'claims:read imports:read',
      },
    ],
  },
);

const KeySet = Type.Object(
  {
    keys: Type.Array(
      Type.Object({
        kty: Type.Literal('RSA'),
        n: Type.String({ description: 'modulus, base64url' }),
        e: Type.String({ description: 'exponent, base64url' }),
        kid: Type.String({ description: 'RFC 7638 thumbprint; the `kid` of the tokens that the key signed' }),
        alg: Type.Literal('RS256'),
        use: Type.Literal('sig'),
      }),
    ),
  },
  {
    description: 'The public keys, that which signs first',
    examples: [
      {
        keys: [
          {
            kty: 'RSA',
            n: 'u1W-zFZ2Qk0',
            e: 'AQAB',
            kid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
            alg: 'RS256',
            use: 'sig',
          },
        ],
      },
    ],
  },
);

/** The routes that give tokens and the keys to verify them with. */
export function authRoutes({ login, keys }: { login: Login; keys: Keys }): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/api/auth/login',
      {
        config: { public: true },
        bodyLimit: 16 * 1024,
        // Before the body is read, so that refusals are not stored either.
        onRequest: async (_request, reply) => {
          reply.header('cache-control', 'no-store');
        },
        schema: {
          operationId: 'login',
          tags: ['authentication'],
          summary: 'Get a token for a user name and a password',
          description:
            'Send the token as `Authorization: Bearer <token>`. After too many failures within a minute, with one user name ' +
            'or from one address, even the right password is answered 429 until the time in `Retry-After` has passed.',
          body: Credentials,
          response: { 200: Token, ...problemResponses(400, 401, 413, 415, 429, 503) },
        },
      },
      async (request) => login(request.body.username, request.body.password, request.ip),
    );

    app.get(
      '/.well-known/jwks.json',
      {
        config: { public: true },
        schema: {
          operationId: 'getKeys',
          tags: ['authentication'],
          summary: 'The public keys that verify tokens',
          description: 'A JSON Web Key Set (RFC 7517), for services that accept the tokens too.',
          response: { 200: KeySet },
        },
      },
      async (_request, reply) => {
        reply.header('cache-control', 'public, max-age=300');
        return keys.jwks();
      },
    );
  };
}
