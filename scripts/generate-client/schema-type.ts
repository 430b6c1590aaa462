/** JSON Schema as the document uses it. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  description?: string;
}

/** Keywords that say something about values which a type does not. */
const NARROWING = ['examples', 'example', 'format', 'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'uniqueItems', 'pattern', 'default', 'minProperties', 'title', 'x-fastify-schemaOverRef'];
const KNOWN: ReadonlySet<string> = new Set(['$ref', 'type', 'enum', 'const', 'anyOf', 'items', 'properties', 'required', 'additionalProperties', 'description', ...NARROWING]);
const PRIMITIVES: Record<string, string> = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' };

/**
 * Writes JSON Schemas as TypeScript types. A schema that is word for word a named one is written as its name.
 * Throws for a keyword it does not know: a type that says less than the document would go unnoticed.
 */
export function schemaTypes(named: Record<string, JsonSchema>): (schema: JsonSchema) => string {
  const names = new Map(Object.entries(named).map(([name, schema]) => [shapeOf(schema), name]));
  const typeOf = (schema: JsonSchema): string => {
    const name = names.get(shapeOf(schema));
    return name === undefined ? bodyOf(schema) : reference(name);
  };
  const bodyOf = (schema: JsonSchema): string => {
    const unknown = Object.keys(schema).find((keyword) => !KNOWN.has(keyword));
    if (unknown !== undefined) throw new Error(`the client generator does not know the schema keyword "${unknown}"`);
    if (schema.$ref !== undefined) return reference(schema.$ref.split('/').at(-1) ?? '');
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
    if (schema.anyOf) return schema.anyOf.map(typeOf).join(' | ');
    if (schema.type === undefined) return 'unknown';
    return [schema.type].flat().map((type) => typed(type, schema)).join(' | ');
  };
  const typed = (type: string, schema: JsonSchema): string => {
    if (type === 'array') return schema.items ? `(${typeOf(schema.items)})[]` : 'unknown[]';
    if (type === 'object') return objectType(schema);
    const primitive = PRIMITIVES[type];
    if (primitive === undefined) throw new Error(`the client generator does not know the type "${type}"`);
    return primitive;
  };
  const objectType = ({ properties = {}, required = [], additionalProperties }: JsonSchema): string => {
    const fields = Object.entries(properties).map(([name, property]) => `${comment(property.description)}${quoted(name)}${required.includes(name) ? '' : '?'}: ${typeOf(property)};`);
    const others = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
    if (fields.length === 0) return additionalProperties === false ? 'Record<string, never>' : `Record<string, ${others}>`;
    return `{ ${fields.join(' ')}${typeof additionalProperties === 'object' ? ` [name: string]: ${others};` : ''} }`;
  };
  // A name's own body must not be written as its name.
  return (schema) => (Object.values(named).includes(schema) ? bodyOf(schema) : typeOf(schema));
}

/** A schema as text without its examples: where it is used they stand elsewhere than where it is named. */
function shapeOf({ examples: _examples, ...schema }: JsonSchema & { examples?: unknown }): string {
  return JSON.stringify(schema);
}

/** A property name as TypeScript takes it. */
export function quoted(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** A comment before what it describes; nothing without a description. */
export function comment(description: string | undefined): string {
  return description === undefined ? '' : `/** ${description.replaceAll('*/', '*\\/').replaceAll(/\s+/g, ' ')} */ `;
}

function reference(name: string): string {
  return `components['schemas'][${JSON.stringify(name)}]`;
}
