package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Clients of the last release keep working: the API still has what it had then. */
class ReleasedApiTest {
    private static final Path RELEASED = Path.of("src/test/resources/openapi-released.yaml");
    private static final Path CURRENT = Path.of("src/main/resources/META-INF/openapi.yaml");

    /** Decided, and in the changelog: what was {@code GET /events} is now {@code GET /flow}. */
    private static final List<String> DECIDED =
            List.of("operation renamed from listenToEvents to readEvents: GET /events");

    @Test
    void breaksNoClientOfTheLastRelease() throws IOException {
        assertThat(ApiBreaks.between(Files.readString(RELEASED), Files.readString(CURRENT)))
                .as(
                        "%s breaks clients of the last release (%s). Keep the old form working, or see \"Release\" in %s",
                        CURRENT, RELEASED, ".github/CONTRIBUTING.md")
                .isEqualTo(DECIDED);
    }

    private static final String DOCUMENT = """
            openapi: 3.1.0
            info: {title: Things, version: '1'}
            paths:
              /things:
                get:
                  operationId: listThings
                  parameters:
                    - {name: limit, in: query, schema: {type: integer, maximum: 100}}
                  responses:
                    '200':
                      description: A page.
                      headers:
                        Link: {schema: {type: string}}
                      content:
                        application/json:
                          schema:
                            type: array
                            items: {$ref: '#/components/schemas/Thing'}
                post:
                  requestBody:
                    content:
                      application/json:
                        schema:
                          oneOf:
                            - $ref: '#/components/schemas/NewThing'
                            - $ref: '#/components/schemas/WrappedNewThing'
                  responses:
                    '201':
                      description: Made.
                      content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
              /things/{id}:
                delete:
                  parameters:
                    - {name: id, in: path, required: true, schema: {type: integer}}
                  responses:
                    '204': {description: Gone.}
            components:
              schemas:
                Thing:
                  type: object
                  required: [id, state, note, parts]
                  properties: {
                    id: {type: integer},
                    state: {type: string, enum: [New, Old]},
                    note: {type: [string, 'null']},
                    parts: {type: object, additionalProperties: {type: integer}}
                  }
                NewThing:
                  type: object
                  additionalProperties: false
                  required: [name]
                  properties: {
                    name: {type: string, maxLength: 255},
                    reason: {type: string}
                  }
                WrappedNewThing:
                  type: object
                  properties:
                    thing: {$ref: '#/components/schemas/NewThing'}
            """;

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            /things/{id}: | /thing/{id}: | operation removed: DELETE /things/{id}
            listThings | followThings | operation renamed from listThings to followThings: GET /things
            delete: | put: | operation removed: DELETE /things/{id}
            '204': | '200': | responses removed [204]: DELETE /things/{id}
            Link: | Next: | response 200 headers removed [Link]: GET /things
            maximum: 100 | maximum: 50 | query limit numeric range changed: GET /things
            in: query, | in: query, required: true, | query limit is now required: GET /things
            name: limit | name: size | parameters removed [query limit]: GET /things
            required: true, schema: {type: integer} | required: true, schema: {type: boolean} | path id is boolean, was integer: DELETE /things/{id}
            id: {type: integer} | id: {type: string} | response 200[].id is string, was integer: GET /things
            id: {type: integer} | id: {type: [integer, 'null']} | response 200[] required fields removed [id]: GET /things
            id: {type: integer} | nr: {type: integer} | response 200[] fields removed [id]: GET /things
            note: {type: [string, 'null']} | note: {type: [integer, 'null']} | response 200[].note is integer, was string: GET /things
            additionalProperties: {type: integer} | additionalProperties: {type: string} | response 200[].parts{} is string, was integer: GET /things
            [New, Old] | [New, Old, Lost] | response 200[].state values added [Lost]: GET /things
            required: [name] | required: [name, reason] | request required fields added [reason]: POST /things
            reason: {type: string} | remark: {type: string} | request fields removed [reason]: POST /things
            maxLength: 255 | maxLength: 99 | request.name max length changed: POST /things
            """)
    void findsWhatBreaksAClient(String before, String after, String expected) throws IOException {
        assertThat(DOCUMENT).contains(before);

        assertThat(ApiBreaks.between(DOCUMENT, DOCUMENT.replace(before, after))).contains(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            A page. | One page.
            maximum: 100 | maximum: 200
            name: limit, | name: limit, description: How many.,
            id: {type: integer} | id: {type: integer}, size: {type: integer}
            reason: {type: string} | reason: {type: string}, remark: {type: string}
            required: [name] | required: []
            note: {type: [string, 'null']} | note: {type: string}
            """)
    void letsTheApiGrow(String before, String after) throws IOException {
        assertThat(DOCUMENT).contains(before);

        assertThat(ApiBreaks.between(DOCUMENT, DOCUMENT.replace(before, after))).isEmpty();
    }
}
