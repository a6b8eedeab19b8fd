import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

/** Imports point inwards only: app → features → components → api → lib. */
const LAYERS = ["app", "features", "components", "api", "lib"];
const FEATURES = ["account", "admin", "cart", "catalogue", "checkout", "orders"];

function forbid(files, groups) {
  return {
    files,
    rules: { "no-restricted-imports": ["error", { patterns: groups }] },
  };
}

const layers = LAYERS.slice(1).map((layer, index) =>
  forbid(
    [`src/${layer}/**`],
    [
      {
        group: LAYERS.slice(0, index + 1).flatMap((outer) => [`@/${outer}`, `@/${outer}/**`]),
        message: `What is in ${layer}/ knows nothing of what lies further out.`,
      },
    ],
  ),
);

// A feature is put together with others by a page of app/, and by nothing else.
const features = FEATURES.map((feature) =>
  forbid(
    [`src/features/${feature}/**`],
    [
      { group: ["@/app/**", "../../app/**"], message: "A feature does not know its pages." },
      {
        group: FEATURES.filter((other) => other !== feature).flatMap((other) => [
          `@/features/${other}/**`,
          `../${other}/**`,
        ]),
        message: "Features meet in app/pages.",
      },
    ],
  ),
);

export default ts.config(
  { ignores: ["dist*", "src/api/schema.d.ts", "public"] },
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  ...ts.configs.stylisticTypeChecked,
  a11y.flatConfigs.strict,
  hooks.configs.flat.recommended,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // `styles.name ?? ""` says nothing that the type of CSS modules does not say already.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      "jsx-a11y/no-redundant-roles": "off", // Lists without bullets are no lists to VoiceOver.
      // A region that scrolls has to be reached by the keyboard.
      "jsx-a11y/no-noninteractive-tabindex": ["error", { tags: ["main"], roles: ["region"] }],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  ...layers,
  ...features,
  { files: ["e2e/**", "*.config.*"], rules: { "no-console": "off" } },
  {
    files: ["eslint.config.js", "e2e/observe.js"],
    ...ts.configs.disableTypeChecked,
    languageOptions: {
      ...ts.configs.disableTypeChecked.languageOptions,
      globals: { PerformanceObserver: "readonly" },
    },
  },
);
