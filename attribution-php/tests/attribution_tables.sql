-- The tables of attribution, as `attribution install` creates them.

CREATE TABLE 202_attribution_models (
  model_id bigint unsigned NOT NULL AUTO_INCREMENT,
  user_id mediumint unsigned NOT NULL,
  model_name varchar(255) NOT NULL,
  model_slug varchar(191) NOT NULL,
  model_type varchar(50) NOT NULL,
  weighting_config longtext,
  is_active tinyint NOT NULL DEFAULT 1,
  is_default tinyint NOT NULL DEFAULT 0,
  created_at int unsigned NOT NULL,
  updated_at int unsigned NOT NULL,
  PRIMARY KEY (model_id),
  UNIQUE KEY user_slug (user_id, model_slug),
  KEY user_default (user_id, is_default)
) ENGINE=InnoDB;

CREATE TABLE 202_attribution_snapshots (
  snapshot_id bigint unsigned NOT NULL AUTO_INCREMENT,
  model_id bigint unsigned NOT NULL,
  user_id mediumint unsigned NOT NULL,
  scope_type varchar(50) NOT NULL,
  scope_id bigint unsigned DEFAULT NULL,
  date_hour int unsigned NOT NULL,
  lookback_start int unsigned NOT NULL,
  lookback_end int unsigned NOT NULL,
  attributed_clicks int unsigned NOT NULL DEFAULT 0,
  attributed_conversions int unsigned NOT NULL DEFAULT 0,
  attributed_revenue decimal(12,4) NOT NULL DEFAULT 0,
  attributed_cost decimal(12,4) NOT NULL DEFAULT 0,
  created_at int unsigned NOT NULL,
  PRIMARY KEY (snapshot_id),
  KEY model_hour_scope (model_id, date_hour, scope_type, scope_id),
  KEY user_hour (user_id, date_hour)
) ENGINE=InnoDB;

CREATE TABLE 202_attribution_touchpoints (
  touchpoint_id bigint unsigned NOT NULL AUTO_INCREMENT,
  snapshot_id bigint unsigned NOT NULL,
  conv_id int unsigned NOT NULL,
  click_id bigint unsigned NOT NULL,
  position smallint unsigned NOT NULL,
  credit decimal(10,5) NOT NULL,
  weight decimal(10,5) NOT NULL,
  created_at int unsigned NOT NULL,
  PRIMARY KEY (touchpoint_id),
  KEY snapshot_conversion (snapshot_id, conv_id),
  KEY click_id (click_id)
) ENGINE=InnoDB;

CREATE TABLE 202_attribution_settings (
  setting_id bigint unsigned NOT NULL AUTO_INCREMENT,
  user_id mediumint unsigned NOT NULL,
  scope_type varchar(50) NOT NULL,
  scope_id bigint unsigned DEFAULT NULL,
  model_id bigint unsigned NOT NULL DEFAULT 0,
  multi_touch_enabled tinyint NOT NULL DEFAULT 1,
  multi_touch_enabled_at int unsigned DEFAULT NULL,
  multi_touch_disabled_at int unsigned DEFAULT NULL,
  effective_at int unsigned NOT NULL DEFAULT 0,
  created_at int unsigned NOT NULL,
  updated_at int unsigned NOT NULL,
  PRIMARY KEY (setting_id),
  UNIQUE KEY user_scope (user_id, scope_type, scope_id),
  UNIQUE KEY user_scope_model (user_id, scope_type, scope_id, model_id),
  UNIQUE KEY user_scope_enabled (user_id, scope_type, scope_id, multi_touch_enabled),
  KEY model_id (model_id)
) ENGINE=InnoDB;

CREATE TABLE 202_attribution_audit (
  audit_id bigint unsigned NOT NULL AUTO_INCREMENT,
  user_id mediumint unsigned NOT NULL,
  model_id bigint unsigned DEFAULT NULL,
  action varchar(50) NOT NULL,
  metadata longtext NOT NULL,
  created_at int unsigned NOT NULL,
  PRIMARY KEY (audit_id)
) ENGINE=InnoDB;

CREATE TABLE 202_attribution_exports (
  export_id bigint unsigned NOT NULL AUTO_INCREMENT,
  user_id mediumint unsigned NOT NULL,
  model_id int unsigned NOT NULL,
  scope_type varchar(32) NOT NULL,
  scope_id bigint unsigned DEFAULT NULL,
  start_hour int unsigned NOT NULL,
  end_hour int unsigned NOT NULL,
  requested_format varchar(16) NOT NULL,
  status varchar(20) NOT NULL DEFAULT 'pending',
  options longtext,
  webhook_url varchar(500) DEFAULT NULL,
  webhook_secret varchar(255) DEFAULT NULL,
  webhook_headers text,
  file_path varchar(500) DEFAULT NULL,
  rows_exported int unsigned DEFAULT NULL,
  queued_at int unsigned NOT NULL,
  started_at int unsigned DEFAULT NULL,
  completed_at int unsigned DEFAULT NULL,
  failed_at int unsigned DEFAULT NULL,
  last_error text,
  webhook_attempted_at int unsigned DEFAULT NULL,
  webhook_status_code int DEFAULT NULL,
  webhook_response_body mediumtext,
  created_at int unsigned NOT NULL,
  updated_at int unsigned NOT NULL,
  PRIMARY KEY (export_id),
  KEY model_status (model_id, status),
  KEY user_status (user_id, status),
  KEY queued_at (queued_at)
) ENGINE=InnoDB;

CREATE TABLE 202_conversion_touchpoints (
  touchpoint_id bigint unsigned NOT NULL AUTO_INCREMENT,
  conv_id int unsigned NOT NULL,
  click_id bigint unsigned NOT NULL,
  click_time int unsigned NOT NULL,
  position smallint unsigned NOT NULL,
  created_at int unsigned NOT NULL,
  PRIMARY KEY (touchpoint_id),
  KEY conv_id (conv_id),
  KEY click_id (click_id)
) ENGINE=InnoDB;

CREATE TABLE 202_attribution_runs (
  run_id bigint unsigned NOT NULL AUTO_INCREMENT,
  user_id mediumint unsigned NOT NULL,
  job varchar(20) NOT NULL,
  status varchar(20) NOT NULL,
  window_start bigint unsigned NOT NULL,
  window_end bigint unsigned NOT NULL,
  done bigint unsigned NOT NULL DEFAULT 0,
  rows_written bigint unsigned NOT NULL DEFAULT 0,
  started_at int unsigned NOT NULL,
  updated_at int unsigned NOT NULL,
  finished_at int unsigned DEFAULT NULL,
  last_error text,
  PRIMARY KEY (run_id),
  KEY user_status (user_id, status)
) ENGINE=InnoDB;
