package dev.oms.access;

import io.quarkus.test.junit.QuarkusIntegrationTest;
import org.junit.jupiter.api.Tag;

@Tag("full")
@Tag("packaged")
@QuarkusIntegrationTest
class IssuerDownIT extends IssuerDownTest {}
