import ajvCompiler from '@fastify/ajv-compiler';

type BuildValidator = ReturnType<typeof ajvCompiler>;
type Validator = ReturnType<ReturnType<BuildValidator>>;

let buildCompiler: BuildValidator | undefined;

/**
 * Compiles a schema for the first request that it is for: half of them at the start took a fifth of its time. That all of
 * them can be compiled is tested, by a request to each route.
 */
const buildValidator: BuildValidator = (externalSchemas, options) => {
  let compiler: ReturnType<BuildValidator> | undefined;
  return (routeSchema) => {
    let validate: Validator | undefined;
    const validator = ((data: unknown) => {
      buildCompiler ??= ajvCompiler();
      compiler ??= buildCompiler(externalSchemas, options);
      validate ??= compiler(routeSchema);
      const isValid = validate(data);
      validator.errors = validate.errors ?? null;
      return isValid;
    }) as Validator;
    return validator;
  };
};

/** For Fastify's option of this name, which is of the schema controller. */
export const compilersFactory = {
  buildValidator,
  // Claims go out as they are stored, and the other answers are small: to compile a serializer for each answer, most of
  // them of the schema of a claim, took another fifth.
  buildSerializer: () => () => (answer: unknown) => JSON.stringify(answer),
};
