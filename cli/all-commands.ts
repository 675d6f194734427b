import type { CliCommand } from './command.ts';
import { completionCommand } from './commands/completion.ts';
import { dataCreate } from './commands/data-create.ts';
import { dataDelete } from './commands/data-delete.ts';
import { dataDownload } from './commands/data-download.ts';
import { dataEdit } from './commands/data-edit.ts';
import { dataFiles } from './commands/data-files.ts';
import { dataList } from './commands/data-list.ts';
import { dataPreview } from './commands/data-preview.ts';
import { dataRemoveFile } from './commands/data-remove-file.ts';
import { dataShow } from './commands/data-show.ts';
import { dataUpload } from './commands/data-upload.ts';
import { datasetCopy } from './commands/dataset-copy.ts';
import { datasetCreate } from './commands/dataset-create.ts';
import { datasetDelete } from './commands/dataset-delete.ts';
import { datasetEdit } from './commands/dataset-edit.ts';
import { datasetList } from './commands/dataset-list.ts';
import { datasetShow } from './commands/dataset-show.ts';
import { eventsFollow } from './commands/events-follow.ts';
import { gitAdd } from './commands/git-add.ts';
import { gitBranches } from './commands/git-branches.ts';
import { gitCommits } from './commands/git-commits.ts';
import { gitCredentials } from './commands/git-credentials.ts';
import { gitEdit } from './commands/git-edit.ts';
import { gitEndpoints } from './commands/git-endpoints.ts';
import { gitHostKeys } from './commands/git-host-keys.ts';
import { gitLogin } from './commands/git-login.ts';
import { gitLogout } from './commands/git-logout.ts';
import { gitRemove } from './commands/git-remove.ts';
import { gitRepositories } from './commands/git-repositories.ts';
import { imageList } from './commands/image-list.ts';
import { imageTags } from './commands/image-tags.ts';
import { inferenceList } from './commands/inference-list.ts';
import { inferenceRun } from './commands/inference-run.ts';
import { inferenceShow } from './commands/inference-show.ts';
import { lineageAffected } from './commands/lineage-affected.ts';
import { lineageExport } from './commands/lineage-export.ts';
import { lineagePaths } from './commands/lineage-paths.ts';
import { lineageShow } from './commands/lineage-show.ts';
import { login } from './commands/login.ts';
import { logout } from './commands/logout.ts';
import { memberAdd } from './commands/member-add.ts';
import { memberList } from './commands/member-list.ts';
import { memberRemove } from './commands/member-remove.ts';
import { nodeList } from './commands/node-list.ts';
import { nodeSet } from './commands/node-set.ts';
import { registryAdd } from './commands/registry-add.ts';
import { registryCredentials } from './commands/registry-credentials.ts';
import { registryEdit } from './commands/registry-edit.ts';
import { registryList } from './commands/registry-list.ts';
import { registryLogin } from './commands/registry-login.ts';
import { registryLogout } from './commands/registry-logout.ts';
import { registryRemove } from './commands/registry-remove.ts';
import { runAttach } from './commands/run-attach.ts';
import { runAttachments } from './commands/run-attachments.ts';
import { runAttempts } from './commands/run-attempts.ts';
import { runCompare } from './commands/run-compare.ts';
import { runDelete } from './commands/run-delete.ts';
import { runDetach } from './commands/run-detach.ts';
import { runDownload } from './commands/run-download.ts';
import { runEdit } from './commands/run-edit.ts';
import { runList } from './commands/run-list.ts';
import { runLog } from './commands/run-log.ts';
import { runMetrics } from './commands/run-metrics.ts';
import { runOutputs } from './commands/run-outputs.ts';
import { runParams } from './commands/run-params.ts';
import { runOpen } from './commands/run-open.ts';
import { runPreview } from './commands/run-preview.ts';
import { runRebuildMetrics } from './commands/run-rebuild-metrics.ts';
import { runShow } from './commands/run-show.ts';
import { runStop } from './commands/run-stop.ts';
import { runTimeline } from './commands/run-timeline.ts';
import { runUsage } from './commands/run-usage.ts';
import { runWait } from './commands/run-wait.ts';
import { runWhy } from './commands/run-why.ts';
import { searchList } from './commands/search-list.ts';
import { searchRemove } from './commands/search-remove.ts';
import { searchSave } from './commands/search-save.ts';
import { taskList } from './commands/task-list.ts';
import { taskRun } from './commands/task-run.ts';
import { taskShow } from './commands/task-show.ts';
import { tenantCreate } from './commands/tenant-create.ts';
import { tenantDelete } from './commands/tenant-delete.ts';
import { tenantEdit } from './commands/tenant-edit.ts';
import { tenantList } from './commands/tenant-list.ts';
import { tenantShow } from './commands/tenant-show.ts';
import { tenantUse } from './commands/tenant-use.ts';
import { tokenCreate } from './commands/token-create.ts';
import { tokenList } from './commands/token-list.ts';
import { tokenRevoke } from './commands/token-revoke.ts';
import { trainingList } from './commands/training-list.ts';
import { trainingRun } from './commands/training-run.ts';
import { trainingShow } from './commands/training-show.ts';
import { userCreate } from './commands/user-create.ts';
import { userEdit } from './commands/user-edit.ts';
import { userLink } from './commands/user-link.ts';
import { userList } from './commands/user-list.ts';
import { version } from './commands/version.ts';
import { whoami } from './commands/whoami.ts';

/** Every command, in the order in which help shows them. */
export const ALL_COMMANDS: readonly CliCommand[] = [
  login,
  logout,
  whoami,
  tenantList,
  tenantShow,
  tenantCreate,
  tenantEdit,
  tenantDelete,
  tenantUse,
  memberList,
  memberAdd,
  memberRemove,
  userList,
  userCreate,
  userEdit,
  userLink,
  tokenCreate,
  tokenList,
  tokenRevoke,
  dataList,
  dataShow,
  dataCreate,
  dataEdit,
  dataDelete,
  dataUpload,
  dataDownload,
  dataFiles,
  dataPreview,
  dataRemoveFile,
  datasetList,
  datasetShow,
  datasetCreate,
  datasetEdit,
  datasetCopy,
  datasetDelete,
  gitEndpoints,
  gitAdd,
  gitEdit,
  gitRemove,
  gitHostKeys,
  gitLogin,
  gitLogout,
  gitCredentials,
  gitRepositories,
  gitBranches,
  gitCommits,
  registryList,
  registryAdd,
  registryEdit,
  registryRemove,
  registryLogin,
  registryLogout,
  registryCredentials,
  imageList,
  imageTags,
  nodeList,
  nodeSet,
  trainingRun,
  trainingList,
  trainingShow,
  inferenceRun,
  inferenceList,
  inferenceShow,
  taskRun,
  taskList,
  taskShow,
  runList,
  runShow,
  runStop,
  runUsage,
  runMetrics,
  runParams,
  runRebuildMetrics,
  runCompare,
  runWait,
  runLog,
  runWhy,
  runTimeline,
  runAttempts,
  runOutputs,
  runDownload,
  runOpen,
  runPreview,
  runAttach,
  runAttachments,
  runDetach,
  runEdit,
  runDelete,
  lineageShow,
  lineagePaths,
  lineageAffected,
  lineageExport,
  searchSave,
  searchList,
  searchRemove,
  eventsFollow,
  version,
  completionCommand(() => ALL_COMMANDS),
];
