package dev.oms.console;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The console's files at {@code /console}, and the headers they are served with. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class ConsoleFilesTest {
    @Test
    void redirectsToThePage() {
        given().redirects()
                .follow(false)
                .get("/console")
                .then()
                .statusCode(302)
                .header("Location", equalTo("/console/"));
        given().get("/console/").then().statusCode(200).contentType("text/html").body(containsString("<main"));
    }

    @Test
    void leadsBrowsersToThePage() {
        given().redirects()
                .follow(false)
                .accept("text/html,application/xhtml+xml,*/*;q=0.8")
                .get("/")
                .then()
                .statusCode(302)
                .header("Location", equalTo("/console/"));
        given().accept("*/*").get("/").then().statusCode(404).contentType("application/problem+json");
    }

    @Test
    void compressesTheFilesAndNotTheApi() {
        given().header("Accept-Encoding", "gzip")
                .get("/console/console.css")
                .then()
                .statusCode(200)
                .header("Content-Encoding", equalTo("gzip"))
                .body(containsString(":root"));
        given().header("Accept-Encoding", "gzip")
                .get("/order_statuses")
                .then()
                .statusCode(200)
                .header("Content-Encoding", nullValue());
        given().header("Accept-Encoding", "gzip")
                .get("/orders?status=")
                .then()
                .statusCode(400)
                .header("Content-Encoding", nullValue());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "index.html",
                "console.css",
                "main.js",
                "api.js",
                "chart.js",
                "flow.js",
                "inventory.js",
                "jobs.js",
                "keys.js",
                "live.js",
                "orders.js",
                "ui.js",
                "webhooks.js",
                "lib/uPlot.iife.min.js",
                "lib/uPlot.min.css",
                "lib/LICENSE"
            })
    void servesEveryFileWithARestrictivePolicy(String file) {
        given().get("/console/" + file)
                .then()
                .statusCode(200)
                .header(
                        "Content-Security-Policy",
                        equalTo("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                                + "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"))
                .header("X-Content-Type-Options", equalTo("nosniff"))
                .header("Referrer-Policy", equalTo("no-referrer"))
                .header("Cache-Control", equalTo("no-cache"))
                .header("Last-Modified", notNullValue());
    }

    @Test
    void answersNotModifiedToAConditionalRequest() {
        String modified = given().get("/console/main.js").header("Last-Modified");

        given().header("If-Modified-Since", modified)
                .get("/console/main.js")
                .then()
                .statusCode(304);
    }

    @Test
    void answersNotFoundForUnknownFiles() {
        given().get("/console/nothing.js").then().statusCode(404).contentType("application/problem+json");
    }
}
