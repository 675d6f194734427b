import { mlflowVariables } from '#runs/container-contract/mlflow-variables.ts';
import type { RunId } from '@sodate/contract/ids.ts';
import { expect, it } from 'vitest';

const run = '01a201c9-80a3-7030-9665-f0a0223c2e3e' as RunId;
const platform = { serverUrl: 'http://sodate:7364', token: 'att_token' };

it('points a job at the run that it is', () => {
  expect(mlflowVariables({ run, environment: { EPOCHS: '3' } }, platform)).toEqual({
    MLFLOW_TRACKING_URI: 'http://sodate:7364',
    MLFLOW_TRACKING_TOKEN: 'att_token',
    MLFLOW_RUN_ID: run,
    MLFLOW_EXPERIMENT_ID: '0',
  });
});

it('leaves the experiment to who names one, since MLflow takes the id first', () => {
  expect(mlflowVariables({ run, environment: { MLFLOW_EXPERIMENT_NAME: 'digits' } }, platform)).not.toHaveProperty('MLFLOW_EXPERIMENT_ID');
});

it('tells a job that logs to another server nothing, above all not the token', () => {
  expect(mlflowVariables({ run, environment: { MLFLOW_TRACKING_URI: 'http://elsewhere.example' } }, platform)).toEqual({});
});
