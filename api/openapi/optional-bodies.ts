interface Schema {
  type?: unknown;
  anyOf?: readonly Schema[];
}

interface Operation {
  requestBody?: { required?: boolean; content?: Record<string, { schema?: Schema }> };
}

/**
 * Says of bodies that may be missing (their schema allows null) that they are not required: the library says of every body
 * that it is. Changes the document it is given.
 */
export function tellOptionalBodies<Document extends object>(document: Document): Document {
  const { paths = {} } = document as { paths?: Record<string, Record<string, Operation>> };
  for (const { requestBody } of Object.values(paths).flatMap((operations) => Object.values(operations))) {
    if (requestBody && Object.values(requestBody.content ?? {}).some(({ schema }) => allowsNull(schema))) requestBody.required = false;
  }
  return document;
}

function allowsNull(schema: Schema | undefined): boolean {
  return schema !== undefined && (schema.type === 'null' || schema.anyOf?.some(allowsNull) === true);
}
