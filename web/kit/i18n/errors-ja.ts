import type { ErrorCode } from '@sodate/contract/errors.ts';
import type { FailureClass } from '@sodate/contract/failures.ts';

/* English comes from the contract's catalogues; here is what they say in Japanese. The compiler demands every code. */

export const ERRORS_JA: Readonly<Record<ErrorCode, string>> = {
  'invalid-request': 'リクエストの形式が正しくありません: {details}',
  'invalid-cursor': 'このページ位置はもう使えません。一覧を最初から開いてください。',
  'not-signed-in': 'サインインしてください。',
  'jobs-only': 'このアドレスはジョブ専用で、試行のトークンだけを受け付けます。それ以外はプラットフォーム本来のアドレスを使ってください。',
  'bad-credentials': 'ユーザー名またはパスワードが違います。',
  'link-not-valid':
    'このサインインリンクは使用済みか、有効期限が切れています。管理者に新しいリンクを依頼してください。新規インストールの場合は、サーバーを再起動すると新しいリンクが表示されます。',
  'signature-not-valid': 'この署名付きアドレスは無効か、期限が切れています。取得し直してください。',
  'search-not-understood': '検索条件の {at} 文字目(「{near}」)を解釈できません: {problem}',
  'search-too-slow': '検索に {seconds} 秒以上かかったため中止しました。番号、タグ、日付の範囲、より長い語句などの条件を加えてください。',
  'not-allowed': 'この操作には {needed} の権限が必要です。テナントの管理者に依頼してください。',
  'origin-not-allowed':
    '{origin} からのリクエストは受け付けられません。プラットフォーム本来のアドレスで開くか、SODATE_PUBLIC_URL に使用するアドレスを設定してください。',
  'host-not-allowed': 'このプラットフォームはホスト名 {host} では応答しません。SODATE_PUBLIC_URL に使用するアドレスを設定してください。',
  'not-found': '{thing} {reference} は見つかりません。',
  'route-not-found': '{method} {path} という API はありません。/v1/docs を参照してください。',
  'name-taken': '{name} という名前の{thing}はすでにあります。別の名前にしてください。',
  'in-use': '{users} が使用しているため、{thing} {reference} は削除も変更もできません。',
  locked: 'データセット {reference} は実行で使われたためロックされています。コピーを作って変更してください。',
  'wrong-state': '{thing} {reference} は{state}です。この操作に必要な条件: {needed}。',
  'idempotency-mismatch': 'この Idempotency-Key は別のリクエストで使われています。新しいキーを使ってください。',
  'tenant-not-empty': 'テナント {name} にはまだ {holds} があります。先に削除してください。',
  'upload-incomplete': 'アップロード {reference} には {missing} が足りません。不足分を送ってからもう一度完了してください。',
  'part-out-of-form':
    'パート {part} は {expected} バイトでなければなりませんが、{actual} バイトでした。最後以外のパートは、開始時に示されたサイズにしてください。',
  'part-damaged': 'パート {part} のチェックサムは {actual} で、{expected} と一致しません。転送中に壊れたため、送り直してください。',
  'digest-differs': '届いた {name} のダイジェストは {actual} で、{expected} と一致しません。ファイルを送り直してください。',
  'range-not-satisfiable': 'ファイルは {size} バイトです。指定された範囲はその外にあります。',
  'body-too-large': 'リクエスト本文が {limit} を超えています。',
  'too-many': '一度に指定できる{things}は {limit} 個までです。',
  'written-by-job': '{name} はジョブが書き出したファイルで、実行とともに残ります。削除できるのは人が添付したものだけです。',
  'content-host-needed':
    'ジョブが書いたページは専用のホスト名で表示しますが、{host} にはそれがありません。すべてのサブドメインがここに届く名前を SODATE_CONTENT_HOST に設定するか、動いているマシンで http://localhost として開いてください。テキストでの表示とダウンロードはできます。',
  'archives-busy':
    'このテナント(最大 {limit} 件)または全体で、多くのアーカイブを作成中です。終わってからもう一度お試しいただくか、ファイルを個別に取得してください。',
  'metrics-limit': '1 つの実行に記録できる{things}は {limit} までです。この要求の内容は何も保存されていません。数を減らすか、別の実行に記録してください。',
  'parameter-set':
    'この実行のパラメーター {name} はすでに {present} で、変更できません。パラメーターは実行開始時の条件です。変化する値はメトリクスとして記録してください。',
  'too-many-attempts': 'サインインの失敗が続きました。{seconds} 秒後にもう一度お試しください。',
  'over-quota': '要求は {asked} ですが、テナント {tenant} の上限は {limit} です。要求を減らすか、管理者に割り当ての引き上げを依頼してください。',
  'engine-unreachable': '実行エンジンが応答しません。しばらくしてからもう一度お試しください。',
  'image-not-supported': 'イメージ {image} を実行できる環境がありません。利用できるもの: {available}。',
  'partition-unknown': 'パーティション {partition} はありません。利用できるもの: {known}。',
  'git-repository-not-found': '{endpoint} に git リポジトリ {repository} はありません。あるもの: {known}。',
  'git-revision-not-found': '{repository} にブランチ、タグ、コミット {revision} はありません。',
  'git-failed': 'git が {repository} を読み取れませんでした: {reason}',
  'git-sign-in-needed':
    'git サーバー {endpoint} の {repository} はサインインしないと読めないか、存在しません。認証情報を登録してください: sodate git login {endpoint}',
  'git-sign-in-refused':
    'git サーバー {endpoint} は {owner} の認証情報では {repository} を読ませません。誤っているか、期限切れか、権限がありません。登録し直してください: sodate git login {endpoint}',
  'git-host-key-changed':
    'git サーバー {endpoint} の SSH ホスト鍵が登録済みのものと違います。通信が傍受されている可能性があるため、何も送っていません。鍵が更新されたのであれば、システム管理者が登録し直してください: sodate git edit {endpoint} --scan-host-keys',
  'git-server-unreachable': 'git サーバー {endpoint} に接続できません: {reason}',
  'git-server-silent': 'git サーバー {endpoint} は接続後 {seconds} 秒間応答しませんでした。しばらくしてからやり直してください。',
  'git-without-list': 'git サーバー {endpoint} はリポジトリの一覧を提供していません。リポジトリ名を入力してください。',
  'git-submodule-refused': '{repository} のサブモジュール {submodule} を取得できません: {reason}',
  'git-lfs-missing': '{repository} の {file}(Git LFS で管理)の内容を取得できません: {reason}',
  'registry-failed': 'レジストリ {registry} を読めません: {reason}',
  'registry-sign-in-needed':
    'レジストリ {registry} はユーザー名とパスワードを求めていますが、このテナントには {host} のものが登録されていません。テナントの管理者が登録してください: sodate registry login {host} --user NAME',
  'registry-sign-in-refused':
    'レジストリ {registry} は、このテナントに登録された {host} のユーザー名とパスワードを受け付けません。テナントの管理者が登録し直してください: sodate registry login {host} --user NAME',
  'registry-without-catalog': 'レジストリ {registry} は、このテナントにイメージの一覧を提供していません。イメージ名を入力してください。',
  'image-not-found':
    'レジストリ {registry} に、このテナントが読めるイメージ {image} はありません。イメージ名と、テナントに登録されたレジストリのユーザー名を確認してください。',
  'secret-unreadable': '{what} は、このインストールの鍵では読めません。ホームの鍵ファイルをバックアップから復元するか、設定し直してください。',
  'parent-not-usable': '{parent} は {state} のため親にできません。終了した実行を選んでください。',
  'disk-full': '{place} のディスクがいっぱいで、何も保存されませんでした。空きを作ってからもう一度お試しください。',
  'shutting-down': 'サーバーは停止処理中です。しばらくしてからもう一度お試しください。',
  'object-store-unavailable': 'オブジェクトストアを現在利用できません: {reason}。失われたものはありません。しばらくしてからもう一度お試しください。',
  'database-unavailable': 'データベースが応答しません。しばらくしてからもう一度お試しください。',
  internal: 'サーバーで問題が起きました。詳細はサーバーログのリクエスト {requestId} にあります。',
};

export const FAILURE_ADVICE_JA: Readonly<Record<FailureClass, string>> = {
  'user-error': 'コマンドがエラーで終了しました。ログの末尾を確認してください。',
  'out-of-memory': '要求した量を超えるメモリーを使いました。要求を増やすか、使用量を減らしてください。',
  'time-limit': '制限時間を超えて実行されました。制限を延ばすか、途中経過を保存して続きから実行してください。',
  'disk-limit': '許された量を超えて書き込みました。書き込みを減らすか、中間ファイルを削除してください。',
  'image-pull': 'イメージを取得できませんでした。名前、タグ、レジストリの認証情報を確認してください。',
  preempted: 'ほかの実行に場所を譲りました。自動的に再試行されます。',
  'node-lost': 'マシンごと失われたか、外部から強制終了されました。自動的に再試行されます。',
  platform: 'プラットフォームがジョブを開始または終了できませんでした。自動的に再試行されます。詳細はサーバーログにあります。',
};
