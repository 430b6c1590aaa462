import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

/** Digits only: `1.5`, `1e1` and ` 1` are no integers, and none is made of them. */
const INTEGER_PATTERN = /^-?[0-9]{1,15}$/;

/**
 * Checks requests as they are: nothing is removed or filled in, and nothing converted but whole numbers in a query,
 * where everything arrives as text.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(schema);
  const integers = httpPart === 'querystring' ? integerPropertiesOf(schema) : [];
  return (given: unknown) => {
    const value = withIntegers(given, integers);
    return compiled.Check(value) ? { value } : { error: compiled.Errors(value) as unknown as Error };
  };
};

function integerPropertiesOf(schema: TSchema): string[] {
  const properties = 'properties' in schema && typeof schema.properties === 'object' && schema.properties !== null ? schema.properties : {};
  return Object.entries(properties).flatMap(([name, property]: [string, { type?: unknown }]) => (property.type === 'integer' ? [name] : []));
}

function withIntegers(given: unknown, names: readonly string[]): unknown {
  if (names.length === 0 || typeof given !== 'object' || given === null) return given;
  const value: Record<string, unknown> = { ...given };
  for (const name of names) {
    const text = value[name];
    if (typeof text === 'string' && INTEGER_PATTERN.test(text)) value[name] = Number(text);
  }
  return value;
}
