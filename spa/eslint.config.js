import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'

const FEATURES = ['accounts', 'auth', 'market', 'orders', 'settings', 'ticket', 'watch']
const UPPER = ['controls', 'funds']

/** Forbids imports by path pattern; `because` is shown at the line that breaks the rule. */
const forbid = (files, group, because) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: [{ group, message: because }] }] },
})

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'src/lib/schema.d.ts'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  ...vue.configs['flat/recommended'],
  { files: ['**/*.vue'], languageOptions: { parserOptions: { parser: tseslint.parser } } },
  {
    files: ['src/**/*.{ts,vue}'],
    rules: {
      'no-undef': 'off', // TypeScript says it better
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': ['error', { html: { void: 'always' } }],
      'vue/require-default-prop': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/attributes-order': 'off',
    },
  },
  {
    files: ['e2e/**/*.mjs', '*.config.{js,ts}'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'URL', 'Buffer', 'document', 'window', 'performance', 'setTimeout', 'getComputedStyle', 'location', 'fetch'].map((name) => [name, 'readonly']),
      ),
    },
  },
  // One way only: app → features → components, lib.
  forbid(['src/lib/**'], ['@/app/*', '@/features/*', '@/components/*', '../*'], 'lib imports nothing above it'),
  forbid(['src/components/**'], ['@/app/*', '@/features/*', '../*'], 'components know no feature'),
  ...FEATURES.map((name) =>
    forbid(
      [`src/features/${name}/**`],
      ['@/app/*', '../*', ...[...FEATURES, ...UPPER].filter((other) => other !== name).map((other) => `@/features/${other}/*`)],
      'a feature knows neither the application nor another feature',
    ),
  ),
  // These put together what the features above show, and stand beside each other.
  ...UPPER.map((name) =>
    forbid(
      [`src/features/${name}/**`],
      ['@/app/*', '../*', ...UPPER.filter((other) => other !== name).map((other) => `@/features/${other}/*`)],
      'a feature knows neither the application nor another feature of its row',
    ),
  ),
)
