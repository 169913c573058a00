import { defineConfig } from 'vitest/config';

// A file's suffix says what it needs: *.test.ts nothing, *.db.test.ts a PostgreSQL, *.image.test.ts a Docker engine,
// *.chart.test.ts helm, *.cluster.test.ts a Kubernetes to install into (npm run test:cluster).
const needsMore = ['db', 'image', 'chart', 'cluster'].map((suffix) => `test/**/*.${suffix}.test.ts`);

export default defineConfig({
  test: {
    reporters: process.env.CI ? ['default', 'junit'] : ['default'],
    outputFile: { junit: 'reports/junit.xml' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.{ts,tsx}'],
      reportOnFailure: true,
      reportsDirectory: 'reports/coverage',
      reporter: ['text-summary', 'lcov', 'html'],
    },
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: needsMore } },
      {
        extends: true,
        test: {
          name: 'db',
          include: ['test/**/*.db.test.ts'],
          globalSetup: ['test/support/bundle.ts', 'test/support/postgres.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'image', include: ['test/**/*.image.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
      },
      { extends: true, test: { name: 'chart', include: ['test/**/*.chart.test.ts'], testTimeout: 30_000 } },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/**/*.cluster.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { concurrent: false },
        },
      },
    ],
  },
});
