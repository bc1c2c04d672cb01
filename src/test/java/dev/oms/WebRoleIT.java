package dev.oms;

import io.quarkus.test.junit.QuarkusIntegrationTest;

@QuarkusIntegrationTest
class WebRoleIT extends WebRoleTest {}
