#!/bin/sh
# The inner ring: everything that needs no engine and no browser, in a few minutes. Run it before each commit.
set -eu
cd "$(dirname "$0")/.."
echo "types";     npx --no-install tsc --noEmit -p .
                  npx --no-install tsc --noEmit -p web
echo "lint";      npx --no-install oxlint --quiet
echo "format";    npx --no-install oxfmt --check > /dev/null || { echo "Run: npm run format"; exit 1; }
echo "unused";    npx --no-install knip --no-progress
echo "generated"; node --import tsx scripts/generate.ts --check
echo "tests";     npx --no-install vitest run --exclude '**/*.{engine,sim,api,journey,chaos}.test.ts' --exclude '**/node_modules/**' --reporter=dot
