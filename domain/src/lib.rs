//! oms-domain
