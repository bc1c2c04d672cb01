package dev.oms;

import io.quarkus.test.junit.QuarkusIntegrationTest;
import io.quarkus.test.junit.TestProfile;

@QuarkusIntegrationTest
@TestProfile(WebRoleTest.Web.class)
class WebRoleIT extends WebRoleTest {}
