CREATE TABLE 202_clicks (
  click_id bigint(20) unsigned NOT NULL,
  user_id mediumint(8) unsigned NOT NULL,
  aff_campaign_id mediumint(8) unsigned NOT NULL DEFAULT 0,
  landing_page_id mediumint(8) unsigned NOT NULL DEFAULT 0,
  ppc_account_id mediumint(8) unsigned NOT NULL DEFAULT 0,
  click_cpc decimal(7,5) NOT NULL DEFAULT 0.00000,
  click_payout decimal(11,5) NOT NULL DEFAULT 0.00000,
  click_lead tinyint(1) NOT NULL DEFAULT 0,
  click_filtered tinyint(1) NOT NULL DEFAULT 0,
  click_bot tinyint(1) NOT NULL DEFAULT 0,
  click_alp tinyint(1) NOT NULL DEFAULT 0,
  click_time int(10) unsigned NOT NULL,
  rotator_id int(10) unsigned NOT NULL DEFAULT 0,
  rule_id int(10) unsigned NOT NULL DEFAULT 0,
  KEY aff_campaign_id (aff_campaign_id),
  KEY ppc_account_id (ppc_account_id),
  KEY click_lead (click_lead),
  KEY click_filtered (click_filtered),
  KEY click_id (click_id),
  KEY overview_index (user_id, click_filtered, aff_campaign_id, ppc_account_id),
  KEY user_id (user_id, click_lead),
  KEY click_alp (click_alp),
  KEY landing_page_id (landing_page_id),
  KEY overview_index2 (user_id, click_filtered, landing_page_id, aff_campaign_id),
  KEY rotator_id (rotator_id),
  KEY user_click_time (user_id, click_time)
) ENGINE=InnoDB;

CREATE TABLE 202_clicks_advance (
  click_id bigint(20) unsigned NOT NULL,
  text_ad_id mediumint(8) unsigned NOT NULL DEFAULT 0,
  keyword_id bigint(20) unsigned NOT NULL DEFAULT 0,
  ip_id bigint(20) unsigned NOT NULL DEFAULT 0,
  country_id bigint(20) unsigned NOT NULL DEFAULT 0,
  region_id bigint(20) unsigned NOT NULL DEFAULT 0,
  city_id bigint(20) unsigned NOT NULL DEFAULT 0,
  platform_id bigint(20) unsigned NOT NULL DEFAULT 0,
  browser_id bigint(20) unsigned NOT NULL DEFAULT 0,
  device_id bigint(20) unsigned NOT NULL DEFAULT 0,
  isp_id bigint(20) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (click_id),
  KEY ip_id (ip_id)
) ENGINE=InnoDB;

CREATE TABLE 202_conversion_logs (
  conv_id int(11) unsigned NOT NULL AUTO_INCREMENT,
  click_id bigint(20) unsigned NOT NULL,
  transaction_id varchar(255) DEFAULT NULL,
  campaign_id mediumint(8) unsigned NOT NULL,
  click_payout decimal(11,5) NOT NULL,
  user_id mediumint(8) unsigned NOT NULL,
  click_time int(10) NOT NULL,
  conv_time int(10) NOT NULL,
  time_difference text NOT NULL,
  ip varchar(45) NOT NULL DEFAULT '',
  pixel_type int(11) unsigned NOT NULL DEFAULT 0,
  user_agent text NOT NULL,
  deleted tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (conv_id),
  UNIQUE KEY click_id (click_id, transaction_id),
  KEY user_id (user_id),
  KEY campaign_id (campaign_id)
) ENGINE=InnoDB;

CREATE TABLE 202_aff_campaigns (
  aff_campaign_id mediumint(8) unsigned NOT NULL AUTO_INCREMENT,
  user_id mediumint(8) unsigned NOT NULL,
  aff_network_id mediumint(8) unsigned NOT NULL,
  attribution_model_id bigint(20) unsigned DEFAULT NULL,
  aff_campaign_name varchar(50) NOT NULL,
  aff_campaign_payout decimal(8,2) NOT NULL DEFAULT 0.00,
  aff_campaign_deleted tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (aff_campaign_id),
  KEY user_id (user_id),
  KEY aff_network_id (aff_network_id)
) ENGINE=InnoDB;

CREATE TABLE 202_ppc_accounts (
  ppc_account_id mediumint(8) unsigned NOT NULL AUTO_INCREMENT,
  user_id mediumint(8) unsigned NOT NULL,
  ppc_network_id mediumint(8) unsigned NOT NULL,
  ppc_account_name varchar(100) NOT NULL,
  ppc_account_deleted tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (ppc_account_id),
  KEY user_id (user_id),
  KEY ppc_network_id (ppc_network_id)
) ENGINE=InnoDB;

CREATE TABLE 202_users (
  user_id mediumint(8) unsigned NOT NULL AUTO_INCREMENT,
  user_name varchar(50) NOT NULL,
  user_deleted tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB;

CREATE TABLE 202_cronjobs (
  cronjob_type char(5) NOT NULL,
  cronjob_time int(11) NOT NULL,
  KEY cronjob_type (cronjob_type, cronjob_time)
) ENGINE=InnoDB;

CREATE TABLE 202_cronjob_logs (
  id int(11) unsigned NOT NULL,
  last_execution_time int(10) unsigned NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;
