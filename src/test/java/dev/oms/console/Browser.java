package dev.oms.console;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.process.Child;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.logging.Level;
import org.awaitility.core.ThrowingRunnable;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.NoSuchElementException;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** An operator's browser: a headless Chromium that records errors on its pages. */
final class Browser implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path profile;
    private final ChromeDriver driver;

    private Browser(Path profile, ChromeDriver driver) {
        this.profile = profile;
        this.driver = driver;
    }

    /** Whether {@code chromium} and {@code chromedriver} are on the PATH. */
    static boolean isInstalled() {
        return Child.find("chromium").isPresent() && Child.find("chromedriver").isPresent();
    }

    static Browser start() throws IOException {
        Path profile = Files.createTempDirectory("oms-chromium");
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        ChromeOptions options = new ChromeOptions();
        options.setBinary(Child.find("chromium").orElseThrow().toFile());
        options.setCapability(ChromeOptions.LOGGING_PREFS, logs);
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--user-data-dir=" + profile);
        // Naming the driver keeps Selenium from looking for one and downloading it.
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(Child.find("chromedriver").orElseThrow().toFile())
                .usingAnyFreePort()
                .build();
        return new Browser(profile, new ChromeDriver(service, options));
    }

    // --- Reading ---

    /** Loads a page from scratch, as from a bookmark. */
    void open(String url) {
        openBlankPage();
        driver.get(url);
        await(() -> assertThat(text("h1")).isNotEmpty().doesNotContain("Loading"));
    }

    /** Forgets every file, so that the next page is loaded as for the first time. */
    void clearCache() {
        driver.executeCdpCommand("Network.clearBrowserCache", Map.of());
    }

    /** Makes requests fail whose URL matches one of these patterns, and no others. */
    void block(String... patterns) {
        driver.executeCdpCommand("Network.enable", Map.of());
        driver.executeCdpCommand("Network.setBlockedURLs", Map.of("urls", List.of(patterns)));
    }

    /** From the next page on, keeps the texts of the last drawing of a canvas in {@code window.drawn}. */
    void recordDrawnTexts() {
        driver.executeCdpCommand("Page.addScriptToEvaluateOnNewDocument", Map.of("source", """
                window.drawn = [];
                const canvas = CanvasRenderingContext2D.prototype;
                const {clearRect, fillText} = canvas;
                canvas.clearRect = function (...area) { window.drawn = []; return clearRect.apply(this, area); };
                canvas.fillText = function (...text) { window.drawn.push(text[0]); return fillText.apply(this, text); };
                """));
    }

    /** Navigates from the open page of the console to another one. */
    void navigateTo(String hash) {
        driver.executeScript("document.querySelector('h1').id = 'previous'; location.hash = arguments[0]", hash);
        await(() -> assertThat(driver.findElements(By.id("previous"))).isEmpty());
        await(() -> assertThat(text("h1")).isNotEmpty().doesNotContain("Loading"));
    }

    /** Leaves the console, so that no page of it sends requests any more. */
    void openBlankPage() {
        driver.get("about:blank");
    }

    void resize(int width, int height) {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    }

    /** Hides scrollbars for the rest of this browser's life; pages still scroll. */
    void hideScrollbars() {
        driver.executeCdpCommand("Emulation.setScrollbarsHidden", Map.of("hidden", true));
    }

    /** @param scheme dark or light */
    void preferColourScheme(String scheme) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    }

    /** Waits up to 30 s until an assertion holds. */
    static void await(ThrowingRunnable assertion) {
        org.awaitility.Awaitility.await()
                .atMost(TIMEOUT)
                .pollInterval(Duration.ofMillis(100))
                .ignoreExceptionsMatching(
                        e -> e instanceof NoSuchElementException || e instanceof StaleElementReferenceException)
                .untilAsserted(assertion);
    }

    /** The visible text of the first element that matches. */
    String text(String css) {
        return readAgainIfRedrawn(() -> driver.findElement(By.cssSelector(css)).getText());
    }

    /** The visible texts of all elements that match. */
    List<String> texts(String css) {
        return readAgainIfRedrawn(() -> driver.findElements(By.cssSelector(css)).stream()
                .filter(WebElement::isDisplayed)
                .map(WebElement::getText)
                .toList());
    }

    /** A live page may replace an element between finding it and reading it. */
    private static <T> T readAgainIfRedrawn(Supplier<T> read) {
        for (int attempt = 1; ; attempt++) {
            try {
                return read.get();
            } catch (StaleElementReferenceException e) {
                if (attempt == 10) {
                    throw e;
                }
            }
        }
    }

    Object execute(String script) {
        return driver.executeScript(script);
    }

    /** The visible part of the page, as a PNG. */
    byte[] screenshot() {
        return driver.getScreenshotAs(OutputType.BYTES);
    }

    // --- Acting ---

    void click(String css) {
        await(() -> driver.findElement(By.cssSelector(css)).click());
    }

    void doubleClick(String css) {
        await(() -> new Actions(driver)
                .doubleClick(driver.findElement(By.cssSelector(css)))
                .perform());
    }

    void type(String css, String text) {
        WebElement field = driver.findElement(By.cssSelector(css));
        field.clear();
        field.sendKeys(text);
    }

    void press(Keys... keys) {
        new Actions(driver).sendKeys(keys).perform();
    }

    void pressShift(Keys key) {
        new Actions(driver).keyDown(Keys.SHIFT).sendKeys(key).keyUp(Keys.SHIFT).perform();
    }

    // --- Errors ---

    /** The statuses of the responses from a URL since the last call of this or {@link #errors}. */
    List<Integer> statuses(String url) {
        List<Integer> statuses = new ArrayList<>();
        for (LogEntry entry : driver.manage().logs().get(LogType.PERFORMANCE)) {
            JsonNode message = read(entry.getMessage()).path("message");
            JsonNode response = message.at("/params/response");
            if (message.path("method").asText().equals("Network.responseReceived")
                    && response.path("url").asText().equals(url)) {
                statuses.add(response.path("status").asInt());
            }
        }
        return statuses;
    }

    /**
     * The warnings and errors in the browser's log, and the requests that failed or went to another origin, since the
     * last call.
     */
    List<String> errors(String origin) {
        List<String> errors = new ArrayList<>();
        for (LogEntry entry : driver.manage().logs().get(LogType.BROWSER)) {
            if (entry.getLevel().intValue() >= Level.WARNING.intValue()) {
                errors.add(entry.getMessage());
            }
        }
        for (LogEntry entry : driver.manage().logs().get(LogType.PERFORMANCE)) {
            JsonNode message = read(entry.getMessage()).path("message");
            JsonNode params = message.path("params");
            switch (message.path("method").asText()) {
                // Leaving a page cancels its requests.
                case "Network.loadingFailed" -> {
                    if (!params.path("canceled").asBoolean()) {
                        errors.add(params.path("errorText").asText() + " "
                                + params.path("type").asText());
                    }
                }
                case "Network.responseReceived" -> {
                    JsonNode response = params.path("response");
                    if (response.path("status").asInt() >= 400) {
                        errors.add(response.path("status").asInt() + " "
                                + response.path("url").asText());
                    }
                }
                case "Network.requestWillBeSent" -> {
                    String url = params.path("request").path("url").asText();
                    if (url.startsWith("http") && !url.startsWith(origin)) {
                        errors.add("request to " + url);
                    }
                }
                default -> {}
            }
        }
        return errors;
    }

    private static JsonNode read(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The serious and critical violations that axe-core finds, each with the elements concerned.
     *
     * @param rules the only rules to check; all if empty
     */
    List<String> accessibilityViolations(List<String> rules) throws IOException {
        // Executed rather than added as a script element, which the content security policy would block.
        if (Boolean.FALSE.equals(execute("return 'axe' in window"))) {
            driver.executeScript(axe());
        }
        Object found = driver.executeAsyncScript("""
                const [rules, done] = arguments;
                const runOnly = rules.length ? {runOnly: {type: 'rule', values: rules}} : {};
                axe.run(document, {resultTypes: ['violations'], ...runOnly}).then(({violations}) => done(violations
                    .filter(({impact}) => impact === 'serious' || impact === 'critical')
                    .map(({id, nodes}) => id + ': ' + nodes.map(({html}) => html).join(' '))))""", rules);
        return ((List<?>) found).stream().map(String::valueOf).toList();
    }

    private static String axe() throws IOException {
        try (InputStream script = Thread.currentThread().getContextClassLoader().getResourceAsStream("axe.min.js")) {
            return new String(script.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        driver.quit();
        try (var files = Files.walk(profile)) {
            files.map(Path::toFile).sorted(Comparator.reverseOrder()).forEach(File::delete);
        } catch (IOException | UncheckedIOException e) {
            // Chromium is still deleting files itself.
        }
    }
}
