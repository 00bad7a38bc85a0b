-- state.db as version 0.1 wrote it, before schemas had versions: two containers, one of which had run, and a build.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE image_images(
  id TEXT PRIMARY KEY, size INTEGER NOT NULL, created INTEGER NOT NULL, last_tagged INTEGER NOT NULL,
  os TEXT NOT NULL, architecture TEXT NOT NULL, variant TEXT NOT NULL, manifest TEXT) WITHOUT ROWID;
INSERT INTO image_images VALUES('sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95',1982256,1795937295908817037,1795937295909194141,'linux','amd64','',NULL);
INSERT INTO image_images VALUES('sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1',1982362,1795937296128866239,1795937296130571667,'linux','amd64','',NULL);
CREATE TABLE image_names(
  repository TEXT NOT NULL, tag TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES image_images(id) ON DELETE CASCADE,
  PRIMARY KEY(repository, tag)) WITHOUT ROWID;
INSERT INTO image_names VALUES('docker.io/library/base','1','sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95');
INSERT INTO image_names VALUES('docker.io/library/web','1','sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1');
CREATE TABLE image_name_platforms(
  repository TEXT NOT NULL, tag TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES image_images(id) ON DELETE CASCADE,
  PRIMARY KEY(repository, tag, image_id),
  FOREIGN KEY(repository, tag) REFERENCES image_names(repository, tag) ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE image_digests(
  repository TEXT NOT NULL, digest TEXT NOT NULL,
  image_id TEXT NOT NULL REFERENCES image_images(id) ON DELETE CASCADE,
  PRIMARY KEY(repository, digest, image_id)) WITHOUT ROWID;
CREATE TABLE image_layers(
  id TEXT PRIMARY KEY, diff_id TEXT, blob TEXT, size INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO image_layers VALUES('552068885f445816baf0','b8501672d9d33f37718b9edd91af1ec419b099139ae0c29bbb99ad50a0cbb0f5',NULL,1982256,1795937295908666494);
INSERT INTO image_layers VALUES('56d886f8163a22071842','1d6c8d792337b65c335e78d623fa8a4e040dd3a838f1dbc1a22fcdf405cf5289',NULL,100,1795937295984480063);
INSERT INTO image_layers VALUES('9569519f9e46e65b95a6','1e83df4b1284741a2ad4d121878fd9e3ecc6a88fbe2a1cc32ed2d0a7c82cec91',NULL,6,1795937296128693431);
CREATE TABLE image_image_layers(
  image_id TEXT NOT NULL REFERENCES image_images(id) ON DELETE CASCADE, position INTEGER NOT NULL,
  layer_id TEXT NOT NULL REFERENCES image_layers(id), PRIMARY KEY(image_id, position)) WITHOUT ROWID;
INSERT INTO image_image_layers VALUES('sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95',0,'552068885f445816baf0');
INSERT INTO image_image_layers VALUES('sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1',0,'552068885f445816baf0');
INSERT INTO image_image_layers VALUES('sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1',1,'56d886f8163a22071842');
INSERT INTO image_image_layers VALUES('sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1',2,'9569519f9e46e65b95a6');
CREATE TABLE image_holds(
  owner TEXT NOT NULL, kind INTEGER NOT NULL, object TEXT NOT NULL,
  PRIMARY KEY(owner, kind, object)) WITHOUT ROWID;
INSERT INTO image_holds VALUES('container:2c603dcc0c3f750167fa6092f911f2a70648178607b838bd8d52d1f7d1a17438',0,'sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95');
INSERT INTO image_holds VALUES('container:0efe293f1e3f68cc9a0de691b1fd2530e184e4245fb915edbeb5987fef562607',0,'sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1');
INSERT INTO image_holds VALUES('build:1db0472b6c03cca5c645f04cbf988f9b126bd5f944e8d4b64f0bb273da5e94d1',1,'56d886f8163a22071842');
INSERT INTO image_holds VALUES('build:9671d1d6399be00eb4f798dafc38468cde0eff695686a08bd4754f99bfc70d76',1,'9569519f9e46e65b95a6');
CREATE TABLE engine_containers(
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, project TEXT NOT NULL, service TEXT NOT NULL, number INTEGER NOT NULL,
  oneoff INTEGER NOT NULL, image_id TEXT NOT NULL, created INTEGER NOT NULL, wanted INTEGER NOT NULL,
  hostname TEXT NOT NULL, domainname TEXT NOT NULL, summary TEXT NOT NULL, spec TEXT NOT NULL, process TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO engine_containers VALUES('0efe293f1e3f68cc9a0de691b1fd2530e184e4245fb915edbeb5987fef562607','app-web-1','app','web',1,0,'sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1',1795937296170798254,0,'0efe293f1e3f','','{"image":"web:1","command":["sh","-c","sleep 1000"],"labels":{"com.docker.compose.config-hash":"5b418aec1e04400a33046517291968821df7fa8df21b86de8abbec884e8da080","com.docker.compose.container-number":"1","com.docker.compose.depends_on":"","com.docker.compose.image":"sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1","com.docker.compose.oneoff":"False","com.docker.compose.project":"app","com.docker.compose.project.config_files":"/srv/app/compose.yaml","com.docker.compose.project.working_dir":"/srv/app","com.docker.compose.service":"web","com.docker.compose.version":"2.40.3","of":"today"},"restart":{"mode":3},"mounts":[{"name":"app_data","source":"/srv/fx/data/volumes/app_data/_data","target":"/data"},{"name":"6158b2c00889252dbabf7530b3edc08a88ee0a6e3d04683bd58e8a6d74e70866","source":"/srv/fx/data/volumes/6158b2c00889252dbabf7530b3edc08a88ee0a6e3d04683bd58e8a6d74e70866/_data","target":"/anonymous","anonymous":true},{"type":0,"source":"/srv/app/r","target":"/bound","read_only":true},{"type":0,"source":"/srv/app/Dockerfile","target":"/run/secrets/s","read_only":true}],"ports":[{"host_ip":"127.0.0.1","host_port":8080,"container_port":80}],"exposed":["80/tcp"]}','{"name":"app-web-1","project":"app","service":"web","image":"web:1","image_id":"sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1","command":["sh","-c","sleep 1000"],"environment":["A=b"],"labels":{"com.docker.compose.config-hash":"5b418aec1e04400a33046517291968821df7fa8df21b86de8abbec884e8da080","com.docker.compose.container-number":"1","com.docker.compose.depends_on":"","com.docker.compose.image":"sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1","com.docker.compose.oneoff":"False","com.docker.compose.project":"app","com.docker.compose.project.config_files":"/srv/app/compose.yaml","com.docker.compose.project.working_dir":"/srv/app","com.docker.compose.service":"web","com.docker.compose.version":"2.40.3","of":"today"},"mounts":[{"source":"app_data","target":"/data"},{"source":"6158b2c00889252dbabf7530b3edc08a88ee0a6e3d04683bd58e8a6d74e70866","target":"/anonymous"},{"type":0,"source":"/srv/app/r","target":"/bound","read_only":true,"create_host_path":true},{"type":0,"source":"/srv/app/Dockerfile","target":"/run/secrets/s","read_only":true}],"networks":[{"network":"app_front","aliases":["app-web-1","web","www"],"ipv4":"10.77.0.5"}],"ports":[{"host_ip":"127.0.0.1","host_port":8080,"container_port":80}],"restart":{"mode":3},"health":{"test":["CMD-SHELL","true"],"interval":5000000000,"retries":2},"ulimits":[{"name":"nofile","soft":100,"hard":200}],"resources":{"memory":67108864}}','{"argv":["sh","-c","sleep 1000"],"path":"sh","command":["sh","-c","sleep 1000"],"environment":["A=b","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","FROM=image"],"working_dir":"/","labels":{"com.docker.compose.config-hash":"5b418aec1e04400a33046517291968821df7fa8df21b86de8abbec884e8da080","com.docker.compose.container-number":"1","com.docker.compose.depends_on":"","com.docker.compose.image":"sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1","com.docker.compose.oneoff":"False","com.docker.compose.project":"app","com.docker.compose.project.config_files":"/srv/app/compose.yaml","com.docker.compose.project.working_dir":"/srv/app","com.docker.compose.service":"web","com.docker.compose.version":"2.40.3","of":"today"},"exposed":["80/tcp"],"stop_signal":"SIGTERM","health":{"test":["CMD-SHELL","true"],"interval":5000000000,"timeout":30000000000,"start_period":0,"start_interval":5000000000,"retries":2}}');
INSERT INTO engine_containers VALUES('2c603dcc0c3f750167fa6092f911f2a70648178607b838bd8d52d1f7d1a17438','app-db-1','app','db',1,0,'sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95',1795937296185134570,0,'2c603dcc0c3f','','{"image":"base:1","command":["sh"],"labels":{"com.docker.compose.config-hash":"a719f910290549d458fa525364af73dacbfd6f17e012fa0ac33e701fbb727343","com.docker.compose.container-number":"1","com.docker.compose.depends_on":"web:service_started:false","com.docker.compose.image":"sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95","com.docker.compose.oneoff":"False","com.docker.compose.project":"app","com.docker.compose.project.config_files":"/srv/app/compose.yaml","com.docker.compose.project.working_dir":"/srv/app","com.docker.compose.service":"db","com.docker.compose.version":"2.40.3"}}','{"name":"app-db-1","project":"app","service":"db","image":"base:1","image_id":"sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95","command":["sh"],"labels":{"com.docker.compose.config-hash":"a719f910290549d458fa525364af73dacbfd6f17e012fa0ac33e701fbb727343","com.docker.compose.container-number":"1","com.docker.compose.depends_on":"web:service_started:false","com.docker.compose.image":"sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95","com.docker.compose.oneoff":"False","com.docker.compose.project":"app","com.docker.compose.project.config_files":"/srv/app/compose.yaml","com.docker.compose.project.working_dir":"/srv/app","com.docker.compose.service":"db","com.docker.compose.version":"2.40.3"},"networks":[{"network":"app_front","aliases":["app-db-1","db"]}]}','{"argv":["sh"],"path":"sh","command":["sh"],"working_dir":"/","labels":{"com.docker.compose.config-hash":"a719f910290549d458fa525364af73dacbfd6f17e012fa0ac33e701fbb727343","com.docker.compose.container-number":"1","com.docker.compose.depends_on":"web:service_started:false","com.docker.compose.image":"sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95","com.docker.compose.oneoff":"False","com.docker.compose.project":"app","com.docker.compose.project.config_files":"/srv/app/compose.yaml","com.docker.compose.project.working_dir":"/srv/app","com.docker.compose.service":"db","com.docker.compose.version":"2.40.3"},"stop_signal":"SIGTERM"}');
CREATE TABLE engine_networks(
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, bridge TEXT NOT NULL, created INTEGER NOT NULL, spec TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO engine_networks VALUES('44625bcfc9a34dfbc8affff3c6c47329b39e6d413048c2c3bb916ac22ab2152e','app_front','br-44625bcfc9a3',1795937296164245709,'{"name":"app_front","project":"app","driver":"bridge","pools":[{"subnet":"10.77.0.0/24","gateway":"10.77.0.1"}],"labels":{"com.docker.compose.config-hash":"f69d48090e35c75b8c638b7d37c122ebc60e87978424bc044b40cac0046e4a04","com.docker.compose.network":"front","com.docker.compose.project":"app","com.docker.compose.version":"2.40.3"}}');
CREATE TABLE engine_endpoints(
  container_id TEXT NOT NULL REFERENCES engine_containers(id) ON DELETE CASCADE, network_id TEXT NOT NULL,
  position INTEGER NOT NULL, spec TEXT NOT NULL, ipv4 TEXT NOT NULL DEFAULT '', ipv6 TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(container_id, network_id)
) WITHOUT ROWID;
INSERT INTO engine_endpoints VALUES('0efe293f1e3f68cc9a0de691b1fd2530e184e4245fb915edbeb5987fef562607','44625bcfc9a34dfbc8affff3c6c47329b39e6d413048c2c3bb916ac22ab2152e',0,'{"network":"app_front","aliases":["app-web-1","web","www"],"ipv4":"10.77.0.5"}','','');
INSERT INTO engine_endpoints VALUES('2c603dcc0c3f750167fa6092f911f2a70648178607b838bd8d52d1f7d1a17438','44625bcfc9a34dfbc8affff3c6c47329b39e6d413048c2c3bb916ac22ab2152e',0,'{"network":"app_front","aliases":["app-db-1","db"]}','','');
CREATE TABLE engine_volumes(
  name TEXT PRIMARY KEY, anonymous INTEGER NOT NULL, created INTEGER NOT NULL, spec TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO engine_volumes VALUES('6158b2c00889252dbabf7530b3edc08a88ee0a6e3d04683bd58e8a6d74e70866',1,1795937296170620338,'{"name":"6158b2c00889252dbabf7530b3edc08a88ee0a6e3d04683bd58e8a6d74e70866","driver":"local"}');
INSERT INTO engine_volumes VALUES('app_data',0,1795937296165009952,'{"name":"app_data","driver":"local","labels":{"com.docker.compose.config-hash":"b3f726a285796a952e6bd04de6f55ee5219690006cdd5513d657921e2e3c879b","com.docker.compose.project":"app","com.docker.compose.version":"2.40.3","com.docker.compose.volume":"data","kept":"yes"}}');
CREATE TABLE engine_mounted(
  volume TEXT NOT NULL REFERENCES engine_volumes(name),
  container_id TEXT NOT NULL REFERENCES engine_containers(id) ON DELETE CASCADE,
  PRIMARY KEY(volume, container_id)
) WITHOUT ROWID;
INSERT INTO engine_mounted VALUES('6158b2c00889252dbabf7530b3edc08a88ee0a6e3d04683bd58e8a6d74e70866','0efe293f1e3f68cc9a0de691b1fd2530e184e4245fb915edbeb5987fef562607');
INSERT INTO engine_mounted VALUES('app_data','0efe293f1e3f68cc9a0de691b1fd2530e184e4245fb915edbeb5987fef562607');
CREATE TABLE engine_events(
  serial INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, type TEXT NOT NULL, action TEXT NOT NULL,
  id TEXT NOT NULL, project TEXT NOT NULL, attributes TEXT NOT NULL
);
INSERT INTO engine_events VALUES(1,1795937296164479854,'network','create','44625bcfc9a34dfbc8affff3c6c47329b39e6d413048c2c3bb916ac22ab2152e','app','{"name":"app_front","type":"bridge"}');
INSERT INTO engine_events VALUES(2,1795937296165146161,'volume','create','app_data','','{"driver":"local"}');
INSERT INTO engine_events VALUES(3,1795937296170684364,'volume','create','6158b2c00889252dbabf7530b3edc08a88ee0a6e3d04683bd58e8a6d74e70866','','{"driver":"local"}');
INSERT INTO engine_events VALUES(4,1795937296170849947,'container','create','0efe293f1e3f68cc9a0de691b1fd2530e184e4245fb915edbeb5987fef562607','app','{"com.docker.compose.config-hash":"5b418aec1e04400a33046517291968821df7fa8df21b86de8abbec884e8da080","com.docker.compose.container-number":"1","com.docker.compose.depends_on":"","com.docker.compose.image":"sha256:bd14016c200a1d5fab89b9ce360dc2267447a2bce633d18df7d75d6759202bb1","com.docker.compose.oneoff":"False","com.docker.compose.project":"app","com.docker.compose.project.config_files":"/srv/app/compose.yaml","com.docker.compose.project.working_dir":"/srv/app","com.docker.compose.service":"web","com.docker.compose.version":"2.40.3","image":"web:1","name":"app-web-1","of":"today"}');
INSERT INTO engine_events VALUES(5,1795937296185194120,'container','create','2c603dcc0c3f750167fa6092f911f2a70648178607b838bd8d52d1f7d1a17438','app','{"com.docker.compose.config-hash":"a719f910290549d458fa525364af73dacbfd6f17e012fa0ac33e701fbb727343","com.docker.compose.container-number":"1","com.docker.compose.depends_on":"web:service_started:false","com.docker.compose.image":"sha256:831aa44d584117c9ca0e29a50aa2eba5269a7aeaf5ef8f94f6e510177e78cc95","com.docker.compose.oneoff":"False","com.docker.compose.project":"app","com.docker.compose.project.config_files":"/srv/app/compose.yaml","com.docker.compose.project.working_dir":"/srv/app","com.docker.compose.service":"db","com.docker.compose.version":"2.40.3","image":"base:1","name":"app-db-1"}');
CREATE TABLE build_steps(
  key TEXT PRIMARY KEY, layer TEXT NOT NULL, output TEXT NOT NULL, title TEXT NOT NULL,
  created INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO build_steps VALUES('1db0472b6c03cca5c645f04cbf988f9b126bd5f944e8d4b64f0bb273da5e94d1','56d886f8163a22071842','5b4bc72e24f58a0db62858bd2d0d78733955cbe4edf7800b4c1d65ada4c3c644','[2/3] COPY Dockerfile /Dockerfile',1795937295984923252,1795937295984992676);
INSERT INTO build_steps VALUES('9671d1d6399be00eb4f798dafc38468cde0eff695686a08bd4754f99bfc70d76','9569519f9e46e65b95a6','9569519f9e46e65b95a6','[3/3] RUN ["/bin/sh", "-c", "echo built > /built"]',1795937296128866239,1795937296128962498);
CREATE TABLE build_parts(slot TEXT PRIMARY KEY, parts TEXT NOT NULL);
INSERT INTO build_parts VALUES('53f0ac643ab53723dd435a7124bb74b4ae9695c1f406399587363249beacab39','[["base","9a20b077643f1de987562084209f098863aeb7c008637354389342aa1158dd52",""],["instruction","6f5a6034e770acbfb3f797e6a7eb7948d470d45f9928f92b7d72dc7c45e6d0cd",""],["destination","0946cf978ceb807421be4e9219e2896c8efdb3277d53ceb304c8e66dc80262f5",""],["--chown","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",""],["--chmod","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",""],["--exclude","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",""],["--checksum","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",""],["options","e7042ac7d09c7bc41c8cfa5749e41858f6980643bc0db1a83cc793d3e24d3f77",""],["files of Dockerfile","213592bd49b9416e7d2280e92389b2663e9558c9ca0b0c1305fa3732e120b95e","Dockerfile\t33188 1393d2288a3c244f44d0dcd6e0f796cf69072125242759704e59079510d99255\n"]]');
INSERT INTO build_parts VALUES('c4aeb1330f38fb2d6c1b6d612165824ad94d56943f402f3dbe93fdf0cbcc1bc2','[["base","53c5f7cee1ed633c28ff8d1b2c960971b494c028f774deefb9898ed3ce0eb8dc",""],["instruction","acba25512100f80b56fc3ccd14c65be55d94800cda77585c5f41a887e398f9be",""],["command","1b3fa2742bc2f3238c8544fafc82aa34480452a917bd768501180562425df727",""],["variable PATH","ce908b8efad4aed2432c6201f968c8a5033499e2d0276764ec023b8249a90429",""],["variable FROM","6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d",""],["working directory","8a5edab282632443219e051e4ade2d1d5bbc671c781051bf1437897cbdfea0f1",""],["user","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",""],["--network","37a8eec1ce19687d132fe29051dca629d164e2c4958ba141d5f4133a33f0688f",""],["--security","b7ad567477c83756aab9a542b2be04f77dbae25115d85f22070d74d8cc4779dc",""]]');
CREATE TABLE build_sources(key TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('engine_events',5);
CREATE INDEX image_names_by_image ON image_names(image_id);
CREATE INDEX image_name_platforms_by_image ON image_name_platforms(image_id);
CREATE INDEX image_digests_by_image ON image_digests(image_id);
CREATE INDEX image_layers_by_diff_id ON image_layers(diff_id);
CREATE INDEX image_image_layers_by_layer ON image_image_layers(layer_id);
CREATE INDEX image_holds_by_object ON image_holds(kind, object);
CREATE INDEX engine_containers_project ON engine_containers(project);
CREATE UNIQUE INDEX engine_leases4 ON engine_endpoints(network_id, ipv4) WHERE ipv4 != '';
CREATE UNIQUE INDEX engine_leases6 ON engine_endpoints(network_id, ipv6) WHERE ipv6 != '';
CREATE INDEX engine_mounted_container ON engine_mounted(container_id);
COMMIT;
