import { readPythonJson } from '#kit/read-python-json.ts';
import { bindArtifactLists, bindArtifacts } from '#mlflow/artifact-routes.ts';
import { bindExperimentRoutes } from '#mlflow/experiment-routes.ts';
import { bindLogRoutes } from '#mlflow/log-routes.ts';
import { enterFirst, makeMlflowBinder } from '#mlflow/mlflow-binder.ts';
import { answerMlflowError } from '#mlflow/mlflow-errors.ts';
import type { MlflowParts } from '#mlflow/mlflow-parts.ts';
import { bindTrackedRunRoutes } from '#mlflow/run-routes.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { type MlflowErrorBody } from '@sodate/contract/mlflow.ts';
import { MLFLOW_ROUTES } from '@sodate/contract/mlflow-routes.ts';
import type { FastifyInstance } from 'fastify';

/**
 * MLflow's tracking API at its own paths, so that code that was written for MLflow logs here unchanged. A translation:
 * experiments and runs are those of `tracking`, numbers those of `metrics`, artifacts a run's output folder. MLflow's
 * words stop here; without this folder nothing else changes. Whose tenant it is says the token. What MLflow has and this
 * platform has not is answered as MLflow's client understands it, and never half done.
 */
export async function serveMlflow(app: FastifyInstance, parts: MlflowParts): Promise<void> {
  // Two scopes with parsers and errors of their own: of the one every body is JSON, whatever it says it is; of the other none.
  await app.register(async (scope) => {
    scope.setErrorHandler(answerMlflowError);
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
      try {
        done(null, body === '' ? {} : readPythonJson(String(body)));
      } catch (error) {
        done(new SodateError('invalid-request', { details: `the body is not JSON: ${error instanceof Error ? error.message : ''}` }, { cause: error }));
      }
    });
    const binder = makeMlflowBinder(scope, parts.access);
    bindExperimentRoutes(binder, parts);
    bindTrackedRunRoutes(binder, parts);
    bindLogRoutes(binder, parts);
    bindArtifactLists(binder, parts);
    const unbound = MLFLOW_ROUTES.filter(({ id, method }) => !binder.bound.has(id + method));
    if (unbound.length > 0) throw new Error(`Routes of the contract that nothing serves: ${unbound.map(({ id }) => id).join(', ')}`);
    serveTheRest(scope, parts);
  });
  await app.register(async (scope) => {
    scope.setErrorHandler(answerMlflowError);
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    bindArtifacts(scope, parts);
  });
}

/** Paths of MLflow's model registry and of the models that its version 3 keeps apart from runs. */
const MODELS = /^\/api\/[0-9.]+\/(preview\/)?mlflow\/(registered-models|model-versions|logged-models)\b/;
/** 500, which MLflow's server answers for this, would be tried again for minutes. */
const FEATURE_DISABLED_STATUS = 400;

/** Everything else of MLflow. Without these the web UI's page would be the answer. */
const MLFLOW_REST_PATHS = ['/api/2.0/*', '/api/3.0/*'] as const;
const MLFLOW_REST_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

function serveTheRest(scope: FastifyInstance, { access }: MlflowParts): void {
  for (const url of MLFLOW_REST_PATHS) {
    scope.route({
      method: [...MLFLOW_REST_METHODS],
      url,
      config: { jobDoor: 'attempts' },
      exposeHeadRoute: false,
      onRequest: enterFirst(access, 'tenant-viewer').onRequest,
      handler: async (request, reply) => {
        const path = request.url.split('?')[0] ?? '';
        if (!MODELS.test(path)) throw new SodateError('route-not-found', { method: request.method, path });
        const body: MlflowErrorBody = {
          error_code: 'FEATURE_DISABLED',
          message: 'This platform has no model registry yet. Log the model as an artifact of its run: mlflow.log_artifacts(folder, "model").',
        };
        return reply.code(FEATURE_DISABLED_STATUS).send(body);
      },
    });
  }
}
