import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * Which folder may import which: data flows one way,
 * main → commands → app → rest, schema, compiled, plugins, tracing → metrics, auth, feed, export, simulator → loaders, import →
 * database → config → cost, domain.
 * A folder may always import from itself.
 */
const ALLOWED_IMPORTS = {
  config: ['domain'],
  database: ['config', 'domain'],
  domain: [],
  simulator: ['domain'],
  import: ['domain', 'database'],
  auth: ['domain', 'database', 'config'],
  export: ['domain', 'database', 'import'],
  loaders: ['domain', 'database'],
  feed: ['loaders', 'domain', 'database'],
  compiled: ['domain', 'database'],
  schema: ['cost', 'feed', 'loaders', 'import', 'domain', 'database'],
  cost: [],
  metrics: ['domain', 'database'],
  tracing: ['metrics', 'domain', 'database', 'config'],
  plugins: ['cost', 'domain'],
  rest: ['domain'],
  app: [
    'rest',
    'compiled',
    'cost',
    'schema',
    'metrics',
    'tracing',
    'plugins',
    'auth',
    'feed',
    'loaders',
    'import',
    'export',
    'simulator',
    'domain',
    'database',
    'config',
  ],
  commands: ['app', 'auth', 'import', 'export', 'simulator', 'domain', 'database', 'config'],
};

const importDirections = Object.entries(ALLOWED_IMPORTS).map(([folder, allowed]) => ({
  files: [`src/${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            // Another folder of src, unless it is allowed. A file of the folder above is this folder's own.
            regex: `^\\.\\./(?!(?:${['$', ...allowed].join('|')})/)[^/]+/`,
            message: `src/${folder} may import from ${allowed.join(', ') || 'no other folder'} only.`,
          },
          ...(folder === 'domain'
            ? [
                {
                  regex: '^(graphql|@pothos|@prisma)',
                  message: 'The domain knows neither GraphQL nor Prisma.',
                },
              ]
            : []),
        ],
      },
    ],
  },
}));

export default tseslint.config(
  // Relay's compiler is what checks the fragments of test/relay.
  { ignores: ['dist', '**/generated', 'node_modules', 'test/relay'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ['*.js', 'prisma/*.js', 'ops/*.js', 'test/client/*.js'],
        },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    files: ['**/*.js'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: { globals: { process: 'readonly' } },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/main.ts', 'src/config/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Only src/main.ts hands the environment to src/config.',
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ObjectExpression > Property[kind=/^[gs]et$/]',
          message:
            'V8 gives each such object a hidden class, which keeps what its accessors refer to until a full collection. Write a class.',
        },
      ],
    },
  },
  ...importDirections,
);
